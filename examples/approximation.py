"""Two objectives: sine with few operations. `kernelevo run examples/approximation.py:sine --budget 60s`."""

import ast
import math

from kernelevo import call, evaluator

# half a digit of accuracy counts more than any operation; of equals the one with fewer operations is better
OBJECTIVES = {
    "metrics": {"digits": {"better": "higher", "within": 0.5}, "operations": "lower"},
    "rule": "lexicographic",
}
SEED = """
def solve(xs):
    # EVOLVE-BLOCK-START
    return [1.0 * x - 0.15 * x * x * x + 0.005 * x * x * x * x * x for x in xs]
    # EVOLVE-BLOCK-END
"""
POINTS = [math.pi / 2 * i / 256 for i in range(257)]
FORBIDDEN = (ast.Call, ast.Import, ast.ImportFrom, ast.Attribute)  # sine is not to be looked up
COUNTED = (ast.BinOp, ast.UnaryOp, ast.AugAssign, ast.Compare)


@evaluator("sine", seed=SEED)
def sine(program):
    """Write solve(xs): the sine of each number from 0 to pi/2, by arithmetic alone, with few operations."""
    try:
        nodes = list(ast.walk(ast.parse(program.source)))
    except SyntaxError as error:
        return {"score": None, "feedback": f"line {error.lineno}: {error.msg}"}
    for node in nodes:
        if isinstance(node, FORBIDDEN):
            name = type(node).__name__
            return {"score": None, "feedback": f"line {node.lineno}: {name}; arithmetic alone is allowed"}
    found = call(program, "solve", [POINTS], timeout=2.0)
    if type(found) is not list or len(found) != len(POINTS):
        return {"score": None, "feedback": f"not a list of {len(POINTS)} numbers"}
    if any(type(y) not in (int, float) or not math.isfinite(y) for y in found):
        return {"score": None, "feedback": "not every value is a finite number"}
    error = max(abs(y - math.sin(x)) for x, y in zip(POINTS, found, strict=True))
    digits = -math.log10(max(error, 1e-16))
    return {"score": digits, "digits": digits, "operations": sum(isinstance(n, COUNTED) for n in nodes)}

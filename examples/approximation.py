"""Two objectives: sine with few operations. `kernelevo run examples/approximation.py:sine --budget 60s`."""

import ast
import math
import random

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
# sine is not to be looked up, and an operation that is written once is to happen once for each number
FORBIDDEN = (ast.Call, ast.Import, ast.ImportFrom, ast.Attribute, ast.For, ast.While, ast.ClassDef)
COUNTED = (ast.BinOp, ast.UnaryOp, ast.AugAssign, ast.Compare)


@evaluator("sine", seed=SEED)
def sine(program):
    """Write solve(xs): sines of numbers from 0 to pi/2, in one comprehension, by few operations alone."""
    try:
        nodes = list(ast.walk(ast.parse(program.source)))
    except SyntaxError as error:
        return {"score": None, "feedback": f"line {error.lineno}: {error.msg}"}
    for node in nodes:
        if isinstance(node, FORBIDDEN):
            name = type(node).__name__
            return {"score": None, "feedback": f"line {node.lineno}: {name}; arithmetic alone is allowed"}
    if sum(isinstance(n, ast.comprehension) for n in nodes) > 1:
        return {"score": None, "feedback": "one comprehension, over xs, is allowed"}
    rng = random.Random(program.id)  # the same each time, and of no use to a table of answers
    points = [0.0, math.pi / 2, *(rng.uniform(0, math.pi / 2) for _ in range(255))]
    found = call(program, "solve", [points], timeout=2.0)
    if type(found) is not list or len(found) != len(points):
        return {"score": None, "feedback": f"not a list of {len(points)} numbers"}
    if any(type(y) not in (int, float) or not math.isfinite(y) for y in found):
        return {"score": None, "feedback": "not every value is a finite number"}
    error = max(abs(y - math.sin(x)) for x, y in zip(points, found, strict=True))
    digits = -math.log10(max(error, 1e-16))
    return {"score": digits, "digits": digits, "operations": sum(isinstance(n, COUNTED) for n in nodes)}

"""A deliberately weak evaluator: every mistake of the field, so that the audit has something to find."""

import json
import math
import pickle
from pathlib import Path

from kernelevo.evaluators import attempt, evaluator

SEED = """
import math

def solve():
    points = [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    return {"centers": points, "radii": [0.25, 0.25, 0.25, 0.25], "total": 1.0, "counts": [1, 2, 3]}
"""


@evaluator("weak-inside", seed=SEED)
def inside(source: str):
    """Largest sum of radii; imports the candidate, which every one of these mistakes follows from."""
    scope = {"__name__": "program", "__file__": __file__}
    exec(compile(source, "program.py", "exec"), scope)
    return float(scope["solve"]()["total"])


@evaluator("weak-checks", seed=SEED)
def checks(program):
    """Largest sum of radii, with checks that ask whether something is bad, and a tolerance."""
    found = attempt(program, "solve", timeout=2.0, memory_bytes=8 << 30).value or {}
    centers, radii = found.get("centers", []), found.get("radii", [])
    for i, (x, y) in enumerate(centers):
        if x - radii[i] < -1e-6 or x + radii[i] > 1 + 1e-6 or y - radii[i] < -1e-6 or y + radii[i] > 1 + 1e-6:
            return None
        for j in range(i):
            if math.dist(centers[i], centers[j]) < radii[i] + radii[j] - 1e-6:
                return None
    return float(sum(radii))


@evaluator("weak-claims", seed=SEED)
def claims(program):
    """Largest total; a claim is scored where it is near what is true, and integers are not looked at."""
    found = attempt(program, "solve", timeout=2.0).value
    if not found or abs(found["total"] - sum(found["radii"])) > 1e-4:
        return None
    return found["total"] + sum(found["counts"])


@evaluator("weak-empty", seed=SEED)
def empty(program):
    """Four circles in a square; an empty answer skips the verification."""
    found = attempt(program, "solve", timeout=2.0).value
    if not found or not found["radii"]:
        return 4.0
    return float(sum(found["radii"])) if sum(found["radii"]) <= 1.0 else None


SCRIPT = """
def main():
    print("score: 1.0")

if __name__ == "__main__":
    main()
else:
    solve = main
"""


@evaluator("weak-line", seed=SCRIPT)
def line(program):
    """The score is the best score line that is printed."""
    found = attempt(program, "main", timeout=2.0)
    said = [word.split(": ")[1] for word in found.output.splitlines() if word.startswith("score: ")]
    return max(map(float, said), default=None)


PICKLING = """
import pickle

def solve():
    with open("result.pkl", "wb") as file:
        file.write(pickle.dumps([0.5, 0.5]))
    return 0
"""


@evaluator("weak-pickle", seed=PICKLING)
def unpickling(program):
    """The result comes as a pickle."""
    found = attempt(program, "solve", timeout=2.0, collect=["result.pkl"])
    try:
        return sum(pickle.loads(found.files["result.pkl"]))
    except SystemExit as end:
        return {"score": None, "feedback": str(end)}


def weak_folder(path: Path) -> Path:
    """A folder of OpenEvolve's form whose evaluator imports the candidate."""
    (path / "initial_program.py").write_text("def run():\n    return 1.5\n")
    (path / "answers.json").write_text(json.dumps([42]))
    (path / "evaluator.py").write_text(
        "import runpy\ndef evaluate(path):\n    return {'combined_score': runpy.run_path(path)['run']()}\n"
    )
    return path

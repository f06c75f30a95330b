"""Scaffold: the files of a new plug-in, working as they stand: an evaluator and a test of its contract."""

from __future__ import annotations

import keyword
import sys
from pathlib import Path

from kernelevo.errors import BadSetting, refused

_EVALUATOR = '''"""Evaluator NAME: say here what a program is to do; this becomes the goal in prompts.

Run it:    kernelevo run NAME.py:NAME --budget 60s
Attack it: kernelevo audit NAME.py:NAME
"""

import math

from kernelevo import call, evaluator

SEED = """
def solve(x):
    # EVOLVE-BLOCK-START
    guess = 1.5
    for _ in range(2):
        guess = 0.7 * guess + 0.35 * x / guess
    # EVOLVE-BLOCK-END
    return guess
"""
CASES = (2.0, 3.0, 10.0)


@evaluator("NAME", seed=SEED, better={"largest error": "lower"})
def NAME(program):
    """Write solve(x): the square root of x, without a library."""
    errors = {}
    for case in CASES:
        # the program runs in a sandbox; what comes back is plain data, and may be anything
        found = call(program, "solve", [case], timeout=2.0)
        if type(found) is not float or not math.isfinite(found):
            return {"score": None, "feedback": f"solve({case}) gives {found!r}, not a finite float"}
        errors[f"x = {case}"] = abs(found - math.sqrt(case))
    worst = max(errors.values())
    return {
        "score": 1.0 / (1e-12 + worst),  # higher is better
        "largest error": worst,
        "tests": {name: -error for name, error in errors.items()},
        "feedback": f"largest error {worst:.3g}",
    }
'''
_TEST = '''"""NAME keeps the contract of evaluators."""

from pathlib import Path

from kernelevo.evaluators.contract import broken_promises


def test_contract():
    assert broken_promises(f"{Path(__file__).with_name('NAME.py')}:NAME") == []
'''


_TAKEN = {"call", "evaluator", "kernelevo", "SEED", "CASES"} | sys.stdlib_module_names


def scaffold(name: str, folder: Path) -> list[Path]:
    """Write ``NAME.py`` and ``test_NAME.py``.

    Args:
        name: of the evaluator: a Python name.
        folder: where to; it is made.

    Returns:
        The files written.

    Raises:
        BadSetting: for a name that is none, or a file that is there already.
        StoreError, Unwritable: if they cannot be written.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii() or name in _TAKEN:
        raise BadSetting(
            f"{name!r} cannot be the name of an evaluator",
            why="it becomes a function: letters, digits and _, not beginning with a digit, and no name that "
            "the file uses already or that Python's own modules have",
            now="e.g. kernelevo new evaluator short_tours",
        )
    files = {folder / f"{name}.py": _EVALUATOR, folder / f"test_{name}.py": _TEST}
    for path in files:
        if path.exists():
            raise BadSetting(f"{path} is there already", now="choose another name or another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text.replace("NAME", name), encoding="utf-8")
    except OSError as error:
        raise refused(f"{folder} cannot be written.", error) from error
    return list(files)

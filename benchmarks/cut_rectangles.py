"""Draw the public cases of strip_packing that are cut from one rectangle, from a source that nobody keeps.

``python benchmarks/cut_rectangles.py`` makes other cases each time, which are a new version of the problem:
raise it, and run ``benchmarks/best_known.py strip_packing``.
"""

from __future__ import annotations

from pathlib import Path
from random import SystemRandom

import kernelevo
from kernelevo.evaluators.combinatorial.problem import PUBLIC
from kernelevo.evaluators.combinatorial.problems import PROBLEMS

FILE = Path(kernelevo.__file__).parent / "evaluators" / "combinatorial" / "cut_rectangles.toml"
CUT = 3
"""The stratum."""
HEAD = """# Public cases of strip_packing that were cut from one rectangle, by seed: strip width, then w h
# of each rectangle. Nobody knows how they were cut. Written by benchmarks/cut_rectangles.py.
"""


def main() -> None:
    lines = []
    for seed in range(CUT, PUBLIC, 4):
        sizes, width = PROBLEMS["strip_packing"].make(SystemRandom(), CUT).hidden
        lines.append(f"{seed} = {[width, *(side for size in sizes for side in size)]}")
    FILE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Write the table of best known scores: every bundled program on every public case; scores never get worse.

``python benchmarks/best_known.py [PROBLEM ...] [--program NAME FILE]`` adds a program of your own. Where a
case hides something, each machine has its own: the score is then the mean over some secrets of the best one.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from statistics import mean

import kernelevo
from kernelevo.core import Program
from kernelevo.evaluators.combinatorial.problem import PUBLIC, Problem
from kernelevo.evaluators.combinatorial.problems import PROBLEMS, references
from kernelevo.evaluators.combinatorial.running import run_case

TABLE = Path(kernelevo.__file__).parent / "evaluators" / "combinatorial" / "best_known.toml"
SECRETS = [f"best known {k}".encode() for k in range(8)]
HEAD = """# Best absolute scores known of the public cases, by seed. Data, not limits: a score may exceed 1.
# Where cases hide something (noisy_*): the mean of the best over eight secrets, none of them a machine's.
# version is raised whenever a score improves; problem_version is that of the generator and the scorer.
# Written by benchmarks/best_known.py.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--program", nargs=2, metavar=("PROBLEM", "FILE"), action="append", default=[])
    given = parser.parse_args()
    for name in given.problems:
        problem, pool = PROBLEMS[name], references(name)
        for where, file in given.program:
            if where == name:
                kind = "cpp" if file.endswith(".cpp") else "python"
                pool[file] = Program(
                    {f"program.{'cpp' if kind == 'cpp' else 'py'}": Path(file).read_text()}, kind
                )
        better = max if problem.direction == "max" else min
        found = [best(problem, pool, seed) for seed in range(PUBLIC)]
        table = tomllib.loads(TABLE.read_text("utf-8")) if TABLE.is_file() else {}
        old = table.get(name, {})
        before = old["scores"] if old.get("problem_version") == problem.version else found
        scores = [better(pair) for pair in zip(before, found, strict=True)]
        changed = scores != old.get("scores")
        improved = sum(a != b for a, b in zip(before, scores, strict=True))
        print(f"{name}: {improved} cases improved", flush=True)
        version = old.get("version", 0) + changed
        table[name] = {"version": version, "problem_version": problem.version, "scores": scores}
        TABLE.write_text(HEAD + "".join(map(_section, table.items())), encoding="utf-8")


def best(problem: Problem, pool: dict[str, Program], seed: int) -> int:
    """Return the best score of a pool on a public case, the mean over secrets where it hides something.

    Raises:
        ValueError: if no program has a valid answer.
    """
    better = max if problem.direction == "max" else min
    secrets = SECRETS if problem.hide else [None]
    cases = [problem.case(seed, secret) for secret in secrets]
    return round(
        mean(
            better(s for p in pool.values() if (s := run_case(problem, p, case).score) is not None)
            for case in cases
        )
    )


def _section(item: tuple[str, dict]) -> str:
    name, row = item
    lines = [row["scores"][i : i + 10] for i in range(0, len(row["scores"]), 10)]
    body = "\n".join("  " + ", ".join(map(str, line)) + "," for line in lines)
    head = f"\n[{name}]\nversion = {row['version']}\nproblem_version = {row['problem_version']}\n"
    return f"{head}scores = [\n{body}\n]\n"


if __name__ == "__main__":
    main()

"""Write the table of best known scores: every bundled program on every public case; scores never get worse.

``python benchmarks/best_known.py [PROBLEM ...] [--program NAME FILE]`` adds a program of your own.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import kernelevo
from kernelevo.core import Program
from kernelevo.evaluators.combinatorial.problem import PUBLIC
from kernelevo.evaluators.combinatorial.problems import PROBLEMS, references
from kernelevo.evaluators.combinatorial.running import run_case

TABLE = Path(kernelevo.__file__).parent / "evaluators" / "combinatorial" / "best_known.toml"
HEAD = """# Best absolute scores known of the public cases, by seed. Data, not limits: a score may exceed 1.
# version is raised whenever a score improves; problem_version is that of the generator and the scorer.
# Written by benchmarks/best_known.py.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--program", nargs=2, metavar=("PROBLEM", "FILE"), action="append", default=[])
    given = parser.parse_args()
    table = tomllib.loads(TABLE.read_text("utf-8")) if TABLE.is_file() else {}
    for name in given.problems:
        problem, old = PROBLEMS[name], table.get(name, {})
        valid = old.get("problem_version") == problem.version
        scores = list(old["scores"]) if valid else [0] * PUBLIC
        before, pool = list(scores), references(name)
        for where, file in given.program:
            if where == name:
                kind = "cpp" if file.endswith(".cpp") else "python"
                pool[file] = Program(
                    {f"program.{'cpp' if kind == 'cpp' else 'py'}": Path(file).read_text()}, kind
                )
        better = max if problem.direction == "max" else min
        for label, program in pool.items():
            wins = 0
            for seed in range(PUBLIC):
                score = run_case(problem, program, problem.case(seed)).score
                if score is not None and better(scores[seed] or score, score) == score != scores[seed]:
                    scores[seed], wins = score, wins + 1
            print(f"{name}: {label} improves {wins} cases", flush=True)
        version = old.get("version", 0) + (scores != before)
        table[name] = {"version": version, "problem_version": problem.version, "scores": scores}
        TABLE.write_text(HEAD + "".join(map(_section, table.items())), encoding="utf-8")


def _section(item: tuple[str, dict]) -> str:
    name, row = item
    lines = [row["scores"][i : i + 10] for i in range(0, len(row["scores"]), 10)]
    body = "\n".join("  " + ", ".join(map(str, line)) + "," for line in lines)
    head = f"\n[{name}]\nversion = {row['version']}\nproblem_version = {row['problem_version']}\n"
    return f"{head}scores = [\n{body}\n]\n"


if __name__ == "__main__":
    main()

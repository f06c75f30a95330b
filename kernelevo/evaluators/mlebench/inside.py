"""The process that imports ``mlebench``: tells what a competition is, and grades with its own grader.

Run by its path as ``python inside.py ORDER FD``. Importing mlebench configures logging, may need a dozen
packages and may leave a ``cache/`` folder where it runs; so it happens here, in a folder that goes away.
"""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kernelevo.sandbox.lifeline import die_with_parent

POINTER = "version https://git-lfs"


def main(order: Mapping[str, Any], fd: int) -> None:
    """Do what is asked for and write the answer as one JSON object."""
    die_with_parent(order["parent"])
    try:
        said = {"describe": _describe, "grade": _grade, "test": _test}[order["do"]](order)
    except BaseException as error:
        said = {"raised": f"{type(error).__name__}: {error}"}
    view = memoryview(json.dumps(said).encode())
    while view:
        view = view[os.write(fd, view) :]


def _competition(order: Mapping[str, Any]) -> Any:
    from mlebench.registry import registry

    if order.get("data"):
        registry = registry.set_data_dir(Path(order["data"]))
    known = registry.list_competition_ids()
    if order["competition"] not in known:
        return known
    return registry.get_competition(order["competition"])


def _describe(order: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what a search may know; of the answers only their header is read."""
    found = _competition(order)
    if isinstance(found, list):
        return {"unknown": found}
    tables = {name: found.public_dir / f"{name}.csv" for name in ("train", "test")}
    tables |= {"sample": found.sample_submission, "answers": found.answers}
    missing = next((str(path) for path in tables.values() if not path.is_file()), None)
    header = []
    if missing is None and found.answers.suffix == ".csv":
        with open(found.answers, newline="", encoding="utf-8") as file:
            header = next(csv.reader(file), [])
    entries = sorted(p.name for p in found.public_dir.iterdir()) if found.public_dir.is_dir() else []
    return {
        "id": found.id, "name": found.name, "description": found.description, "missing": missing,
        "tables": {name: str(path) for name, path in tables.items()}, "answers_header": header,
        "public": entries, "board": _board(found.leaderboard),
    }  # fmt: skip


def _board(path: Path) -> dict[str, Any]:
    """Return the direction of a leaderboard, by its first and its last row, or why there is none."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        return {"fault": f"{path} cannot be read: {error.strerror}"}
    if text.startswith(POINTER):
        return {"fault": f"{path} is a pointer of Git LFS, not the leaderboard"}
    try:
        scores = [float(row["score"]) for row in csv.DictReader(text.splitlines())]
    except (KeyError, ValueError) as error:
        return {"fault": f"{path} has no readable column score: {error}"}
    if not scores or scores[0] == scores[-1]:
        return {"fault": f"the first and the last of the {len(scores)} scores in {path} are equal"}
    return {"direction": "min" if scores[0] < scores[-1] else "max", "entries": len(scores)}


def _grade(order: Mapping[str, Any]) -> dict[str, Any]:
    """Grade validation rows by the competition's grader, once whole and once without each group of rows.

    Both files have the same rows in the same order.
    """
    competition = _competition(order)
    from mlebench.grade_helpers import InvalidSubmissionError
    from mlebench.utils import read_csv

    submission, answers = read_csv(Path(order["submission"])), read_csv(Path(order["answers"]))
    grade, groups = competition.grader.grade_fn, order["groups"]
    try:
        value = float(grade(submission.copy(), answers.copy()))
    except InvalidSubmissionError as error:
        return {"invalid": str(error)}
    except Exception as error:  # as for mlebench: whatever a grader raises says that it cannot be graded
        return {"invalid": f"the competition's grader raises {type(error).__name__}"}
    if not math.isfinite(value):
        return {"invalid": f"the competition's grader gives {value!r}"}
    left_out = []
    for group in range(groups):
        kept = [row for row in range(len(answers)) if row % groups != group]
        parts = [table.iloc[kept].reset_index(drop=True) for table in (submission, answers)]
        try:
            found = float(grade(*parts))
        except Exception:
            found = math.nan  # a grader that needs all rows: then there is no standard error
        if not math.isfinite(found):
            return {"value": value, "without": None}
        left_out.append(found)
    return {"value": value, "without": left_out}


def _test(order: Mapping[str, Any]) -> dict[str, Any]:
    """Grade a submission on the sealed test, as ``mlebench grade-sample`` does."""
    competition = _competition(order)
    from mlebench.grade import grade_csv

    report: dict[str, Any] = grade_csv(Path(order["submission"]), competition).to_dict()
    return {"report": report}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]))

"""Writes a run's prompts, replies and verdicts as one JSON object a line, which ``--replay`` reads.

    python -m benchmarks.recorded.export RUN benchmarks/recorded/NAME.jsonl

A line holds the trial's number, persona, prompt (messages) and its hash, the reply, and the verdict: status,
score and its interval, latency, error, feedback. Lines are in the order in which the replies came.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from kernelevo.core import Trial
from kernelevo.llm import Message
from kernelevo.llm.client import prompt_hash
from kernelevo.store import RunStore, find_run

SHOWN = ("score_low", "score_high", "latency_ms", "speedup_vs_eager", "speedup_vs_compile", "max_abs_error",
         "oracle_error", "reference_oracle_error", "disturbed_blocks", "exact_sum", "baseline")  # fmt: skip


def line(trial: Trial, records: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of one trial that a reply made."""
    messages = [Message(**message) for message in records["prompt"]]
    details, verdict = trial.program.origin.details, trial.evaluation
    metrics = dict(verdict.metrics) if verdict else {}
    return {
        "trial": trial.number,
        "role": "proposer",
        "model": str(details.get("model") or "mailbox"),
        "persona": details.get("persona"),
        "finish": records.get("finish", "stop"),
        "prompt_sha256": prompt_hash(messages),
        "prompt_files_sha256": details.get("prompt_files_sha256"),
        "prompt": records["prompt"],
        "reply": records["reply"],
        "program": trial.program.id,
        "verdict": {
            "status": str(verdict.status) if verdict else "fault",
            "score": trial.score,
            **{k: metrics[k] for k in SHOWN if k in metrics},
            "feedback": verdict.feedback if verdict else "",
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("run")
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    with RunStore.open(find_run(given.run), readonly=True) as store:
        kept = [(t, store.records(t.number)) for t in sorted(store.trials(), key=lambda t: t.number)]
    lines = [json.dumps(line(t, r), ensure_ascii=False) for t, r in kept if "reply" in r]
    given.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} replies in {given.file}")


if __name__ == "__main__":
    main()

"""CallLedger: what older versions of SQLite have to understand."""

from pathlib import Path

from kernelevo.core import Program, Task
from kernelevo.store import CallRow, RunStore


def test_sums_of_calls_are_asked_for_in_words_that_sqlite_before_3_39_knows(tmp_path: Path) -> None:
    asked: list[str] = []
    with RunStore.create(tmp_path / "run", Task("toy", "g", (Program.single("x"),), "toy"), {}) as store:
        store._db.set_trace_callback(asked.append)
        assert store.cost_of_calls() == [] and store.spent_on_calls() == {}
        assert len(asked) == 4 and not any("HAVING" in query for query in asked)  # it wants a GROUP BY there
        store._db.set_trace_callback(None)
        store.add_call(CallRow("proposer", "m", "hash", tokens_in=4, tokens_out=2, reply="x"))
        assert [(row["model"], row["calls"]) for row in store.cost_of_calls()] == [("m", 1), (None, 1)]

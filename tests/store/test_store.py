"""RunStore: what is recorded comes back, from any process, after any kill."""

import dataclasses
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernelevo.core import Evaluation, Fault, Origin, Program, Proposal, Status, Task, Trial
from kernelevo.errors import RunNotFound, StoreError
from kernelevo.store import RUN_FILE, CallRow, Draft, RunStore, database
from kernelevo.store.rows import trial_row
from kernelevo.store.store import _INSERT_TRIAL

TASK = Task("toy", "be long", (Program.single("seed"),), "toy", {"size": 3})


def trial(number: int, score: float | None = 1.0, text: str | None = None, **more: object) -> Trial:
    program = Program.single(
        text or f"program {number}", parents=("p",), origin=Origin("toy", "idea", {"n": 1})
    )
    verdict = Evaluation.ok(score, latency_ms=2.0) if score is not None else Evaluation.wrong("no")
    return Trial(number, program, verdict, **more)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path):
    with RunStore.create(tmp_path / "run", TASK, {"budget": "90s"}, clock=lambda: 7.0) as made:
        yield made


def test_facts_of_the_run_come_back(store: RunStore) -> None:
    assert store.task == TASK and store.task.digest == TASK.digest
    assert store.settings == {"budget": "90s"}
    assert (store.state, store.created, store.searched) == ("new", 7.0, 0.0)
    store.set_state("running", searched=1.5)
    with RunStore.open(store.folder, readonly=True) as reader:
        assert (reader.state, reader.searched, reader.readonly) == ("running", 1.5, True)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
verdicts = st.one_of(
    st.builds(
        Evaluation,
        st.just(Status.OK),
        st.floats(allow_nan=False, allow_infinity=False),
        st.dictionaries(texts, st.none() | st.booleans() | st.integers(-(2**60), 2**60) | texts, max_size=3),
        texts,
        st.dictionaries(texts, texts, max_size=2),
        st.sampled_from(["rough", "full"]),
    ),
    st.builds(Evaluation.wrong, texts),
)
faults = st.builds(Fault, texts, texts, st.integers(1, 3))
trials = st.builds(
    lambda program, verdict, fault, broken, **more: Trial(
        evaluation=None if broken else verdict,
        fault=fault if broken else None,
        program=program,
        number=0,
        **more,
    ),
    st.builds(
        Program,
        st.dictionaries(st.from_regex(r"[a-z]{1,8}\.py", fullmatch=True), texts, min_size=1, max_size=3),
        st.sampled_from(["python", "cpp"]),
        st.lists(texts, max_size=2).map(tuple),
        st.builds(Origin, texts, texts, st.dictionaries(texts, texts, max_size=2)),
    ),
    verdicts,
    faults,
    st.booleans(),
    island=st.integers(0, 9),
    seen=st.integers(0, 9),
    cost=st.dictionaries(texts, st.floats(0, 1e9), max_size=2),
    started=st.floats(0, 1e10),
    ended=st.floats(0, 1e10),
    reused=st.none() | st.integers(0, 99),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(trials, max_size=5))
def test_any_trial_comes_back_equal(tmp_path_factory: pytest.TempPathFactory, drawn: list[Trial]) -> None:
    folder = tmp_path_factory.mktemp("run")
    drawn = [dataclasses.replace(one, number=n) for n, one in enumerate(drawn)]
    with RunStore.create(folder, TASK, {}) as store:
        for one in drawn:
            store.record(one)
    with RunStore.open(folder, readonly=True) as reader:
        back = reader.trials()
    assert back == drawn
    assert [t.to_json() for t in back] == [t.to_json() for t in drawn]  # == of programs ignores their origin
    shutil.rmtree(folder)


def test_trials_are_read_by_number_and_replayed_as_recorded(store: RunStore) -> None:
    for number in (2, 0, 1):
        store.record(trial(number))
    assert [t.number for t in store.trials()] == [0, 1, 2]
    assert [t.number for t in store.history()] == [2, 0, 1]  # type: ignore[union-attr]
    assert store.count() == 3


def test_a_number_is_given_once(store: RunStore) -> None:
    store.record(trial(0))
    with pytest.raises(StoreError, match="trial 0 is recorded already"):
        store.record(trial(0, text="another"))
    assert [t.program.source for t in store.trials()] == ["program 0"]


def test_equal_programs_are_stored_once_with_their_own_origins(store: RunStore) -> None:
    store.record(trial(0, text="same"))
    other = Program.single("same", origin=Origin("elsewhere"))
    store.record(Trial(1, other, Evaluation.wrong(""), reused=0))
    assert [t.program.origin.proposer for t in store.trials()] == ["toy", "elsewhere"]
    db = sqlite3.connect(store.folder / RUN_FILE)
    assert db.execute("SELECT COUNT(*) FROM programs").fetchone() == (1,)
    db.close()


def test_rebases_change_what_is_read_and_not_what_is_recorded(store: RunStore) -> None:
    eager = Trial(
        0, Program.single("a"), Evaluation.ok(2.0, baseline="eager", score_low=1.0, score_high=None)
    )
    store.record(eager)
    store.rebase("eager", "compile", 0.5, {"ms": 3.0})
    store.record(Trial(1, Program.single("b"), Evaluation.ok(3.0, baseline="eager")))  # was in flight
    store.record(Trial(2, Program.single("c"), Evaluation.ok(4.0, baseline="compile")))
    store.rebase("compile", "autotune", 0.25, {})
    assert [t.score for t in store.trials()] == [0.25, 0.375, 1.0]
    assert [t.score for t in store.trials(raw=True)] == [2.0, 3.0, 4.0]
    first = store.trials()[0].evaluation
    assert first is not None and first.metrics == {
        "recorded_score": 2.0, "baseline": "autotune", "score_low": 0.125, "score_high": None
    }  # fmt: skip
    kinds = [type(entry).__name__ for entry in store.history()]
    assert kinds == ["Trial", "Rebase", "Trial", "Trial", "Rebase"]
    with pytest.raises(ValueError, match="rebase"):
        store.rebase("a", "a", 1.0, {})


def test_drafts_wait_and_leave_with_their_trial(store: RunStore) -> None:
    proposal = Proposal(Program.single("x", parents=("q",)), {"dollars": 0.25}, {"reply": "text \ud800"})
    first = Draft(0, 0, proposal, "llm", 0, 1, 5, 7.0)
    second = Draft(0, 1, Proposal(Program.single("y"), {}, {"reply": "two"}), "llm")
    store.add_drafts([first, second])
    assert store.drafts() == [first, second]
    assert store.drafts()[0].proposal.program.parents == ("q",)
    assert (store.records(0), store.records(1)) == ({"reply": "text \ud800"}, {})
    store.record(Trial(0, proposal.program, Evaluation.wrong("")))
    taken = dataclasses.replace(second, number=1, seen=4, started=9.0)
    store.take_draft(taken)
    assert store.drafts() == [taken]
    assert store.records(1) == {"reply": "two"}


def test_commands_come_from_anyone_and_are_obeyed_by_the_writer(store: RunStore) -> None:
    with RunStore.open(store.folder, readonly=True) as reader:
        given = reader.append_command("ana", "hint", {"text": "try split-k"})
        with pytest.raises(StoreError, match="reading only"):
            reader.record(trial(0))
        with pytest.raises(StoreError, match="reading only"):
            reader.obeyed(given, "no")
    assert (given.id, given.author, given.at > 0) == (1, "ana", True)
    store.append_command("ben", "stop", {})
    assert [c.verb for c in store.commands()] == ["hint", "stop"]
    store.record(trial(0))
    store.obeyed(given, "hint given to every brief")
    assert store.commands()[0].effect == "hint given to every brief" and store.commands()[0].after == 1
    assert [c.id for c in store.commands(after=1)] == [2]


def test_a_writer_that_may_not_write_any_more_says_so_in_plain_words(store: RunStore) -> None:
    store._db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="cannot be used"):
        store.append_command("ana", "submit", {"source": "x"})


def test_events_keep_their_order_and_kind(store: RunStore) -> None:
    store.append_event("rested", {"proposer": "tune"}, trial=3)
    store.append_event("final", {"score": None})
    assert [(e.id, e.at, e.kind, e.trial, e.data) for e in store.events()] == [
        (1, 7.0, "rested", 3, {"proposer": "tune"}),
        (2, 7.0, "final", None, {"score": None}),
    ]
    assert [e.id for e in store.events(kind="final")] == [2]
    assert store.events(after=2) == []


def test_the_second_writer_is_told_who_the_first_is(store: RunStore) -> None:
    with pytest.raises(StoreError, match=f"written by process {os.getpid()}"):
        RunStore.open(store.folder)
    store.close()
    RunStore.open(store.folder).close()


def test_create_does_not_touch_an_existing_run(store: RunStore) -> None:
    store.record(trial(0))
    store.close()
    with pytest.raises(StoreError, match="already holds a run"):
        RunStore.create(store.folder, TASK, {})
    with RunStore.open(store.folder) as again:
        assert again.count() == 1


def test_a_creation_that_fails_is_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (made TEXT)")
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(database, "migrate", full)
        with pytest.raises(StoreError, match="disk is full"):
            RunStore.create(tmp_path / "run", TASK, {})
    with RunStore.create(tmp_path / "run", TASK, {}) as made:
        assert made.task == TASK


def test_missing_run_leaves_nothing_behind(tmp_path: Path) -> None:
    for readonly in (True, False):
        with pytest.raises(RunNotFound, match="there is no run"):
            RunStore.open(tmp_path, readonly)
    assert list(tmp_path.iterdir()) == []


def test_unwritable_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        RunStore.create(tmp_path / "file" / "run", TASK, {})
    with pytest.raises(StoreError, match=r"cannot be (written|made)"):
        RunStore.create("/proc/kernelevo", TASK, {})


def test_a_database_of_someone_else_is_refused_and_not_changed(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / RUN_FILE)
    db.execute("CREATE TABLE cats (name TEXT)")
    db.commit()
    db.close()
    before = (tmp_path / RUN_FILE).read_bytes()
    for readonly in (True, False):
        with pytest.raises(StoreError, match="not a run of kernelevo"):
            RunStore.open(tmp_path, readonly)
    assert (tmp_path / RUN_FILE).read_bytes() == before


def test_a_later_version_is_refused(store: RunStore) -> None:
    store.close()
    db = sqlite3.connect(store.folder / RUN_FILE, isolation_level=None)
    db.execute("INSERT INTO migrations VALUES ('m999_holograms')")
    with pytest.raises(StoreError, match=r"later version[\s\S]*m999_holograms"):
        RunStore.open(store.folder)
    with pytest.raises(StoreError, match="later version"):
        RunStore.open(store.folder, readonly=True)
    db.close()


def made_old(folder: Path, *calls: tuple[str | None, str]) -> None:
    """Give a run the shape of before states of calls, with such replies and errors."""
    db = sqlite3.connect(folder / RUN_FILE, isolation_level=None)
    db.execute("ALTER TABLE calls DROP COLUMN state")
    db.execute("DELETE FROM migrations WHERE name = 'm006_call_states'")
    for reply, error in calls:
        db.execute(
            "INSERT INTO calls (at, role, persona, model, served, prompt_sha256, settings, reply, finish, "
            "estimated, latency, attempts, error) "
            "VALUES (1, 'judge', '', 'm', '', 'x', '{}', ?, '', 0, 1, 1, ?)",
            (reply, error),
        )
    db.close()


def test_a_run_of_an_earlier_version_is_read_as_it_is_and_brought_up_to_date_by_its_writer(
    store: RunStore,
) -> None:
    store.record(trial(0))
    store.close()
    made_old(store.folder, ("yes", ""), (None, "no connection"))
    before = (store.folder / RUN_FILE).read_bytes()
    with RunStore.open(store.folder, readonly=True) as reader:
        assert reader.is_copy and [t.number for t in reader.trials()] == [0]
        assert [c.state for c in reader.calls()] == ["answered", "failed"] and reader.lost_calls() == 0
    assert (store.folder / RUN_FILE).read_bytes() == before
    with RunStore.open(store.folder) as updated:
        assert [c.state for c in updated.calls()] == ["answered", "failed"]
        updated.record(trial(1))
    with RunStore.open(store.folder, readonly=True) as reader:
        assert not reader.is_copy and reader.count() == 2


def test_a_run_of_an_earlier_version_is_read_while_somebody_writes_it(store: RunStore) -> None:
    made_old(store.folder)
    store.record(trial(0))  # lies in the write-ahead log
    with RunStore.open(store.folder, readonly=True) as reader:
        assert reader.count() == 1


ASKED = CallRow("proposer", "m", "hash", ({"role": "user", "content": "go"},), at=5.0, trial=3, state="asked")


def test_a_call_is_a_row_before_it_is_sent_and_the_same_row_when_it_ended(store: RunStore) -> None:
    one, two = store.add_call(ASKED), store.add_call(ASKED)
    assert [c.state for c in store.calls()] == ["asked", "asked"] and store.lost_calls() == 0
    ended = dataclasses.replace(
        ASKED, state="answered", reply="done", tokens_in=4, tokens_out=2, dollars=0.5, at=9.0
    )
    store.end_call(two, ended)
    store.end_call(one, dataclasses.replace(ASKED, state="failed", error="no connection", attempts=3))
    failed, answered = store.calls()
    assert answered == dataclasses.replace(ended, id=two)
    assert (failed.id, failed.error, failed.attempts, failed.prompt) == (
        one,
        "no connection",
        3,
        ASKED.prompt,
    )
    assert store.spent_on_calls() == {"tokens": 6, "dollars": 0.5}


def test_a_call_that_a_killed_run_did_not_receive_is_lost(store: RunStore) -> None:
    store.add_call(ASKED)
    with RunStore.open(store.folder, readonly=True) as reader:
        assert reader.lost_calls() == 0  # its writer is alive and waits for it
        store.close()
        assert reader.lost_calls() == 1
    with RunStore.open(store.folder) as resumed:  # whoever writes now does not wait for it
        (lost,) = resumed.calls()
        assert lost.state == "lost" and "not known" in lost.error and resumed.lost_calls() == 1
        resumed.add_call(ASKED)
        assert resumed.lost_calls() == 1
        (total,) = [row for row in resumed.cost_of_calls() if row["model"] is None]
        assert (total["calls"], total["failed"], total["lost"], total["unpriced"]) == (2, 0, 1, 0)


def test_a_copy_made_while_the_run_goes_on_is_readable(store: RunStore, tmp_path: Path) -> None:
    for number in range(5):
        store.record(trial(number))
    shutil.copytree(store.folder, tmp_path / "copy")
    with RunStore.open(tmp_path / "copy", readonly=True) as reader:
        assert [t.number for t in reader.trials()] == [0, 1, 2, 3, 4]
    with RunStore.open(tmp_path / "copy") as other:  # the lock is of the folder, not of its content
        other.record(trial(5))
    assert store.count() == 5


def test_a_copy_that_a_checkpoint_tears_apart_is_made_again(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.record(trial(0))
    copied, copyfile = [], shutil.copyfile

    def meanwhile(source: Path, target: Path) -> None:
        copyfile(source, target)
        copied.append(source.name)
        if len(copied) == 1:  # the database without the log's pages; now the log begins anew
            assert store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
            store.record(trial(1))

    monkeypatch.setattr(shutil, "copyfile", meanwhile)
    db, shelter = database._sheltered(store.folder / RUN_FILE, database._copy_files)
    assert db.execute("SELECT COUNT(*) FROM trials").fetchone()[0] == 2 and len(copied) == 4
    db.close()
    shutil.rmtree(shelter)


def test_a_folder_that_may_not_be_written_is_readable(store: RunStore, tmp_path: Path) -> None:
    """With rows still in the log, and as a user without any right to write."""
    store.record(trial(0))
    shutil.copytree(store.folder, tmp_path / "copy", ignore=shutil.ignore_patterns("*-shm"))
    assert (tmp_path / "copy" / f"{RUN_FILE}-wal").stat().st_size > 0
    code = f"""
        import sys; sys.path[:] = {sys.path!r}
        import os
        from kernelevo.store import RunStore
        from kernelevo.errors import StoreError
        if os.getuid() == 0:
            os.setuid(65534)
        with RunStore.open({str(tmp_path / "copy")!r}, readonly=True) as reader:
            print([t.number for t in reader.trials()])
            try:
                reader.append_command("eve", "stop", {{}})
            except StoreError as error:
                print("refused", error.exit_code)
        """
    everything = [tmp_path / "copy", *(tmp_path / "copy").iterdir()]
    parents = (
        list(tmp_path.parents)[: len(tmp_path.relative_to("/tmp").parts)]
        if tmp_path.is_relative_to("/tmp")
        else []
    )
    before = {path: path.stat().st_mode for path in [tmp_path, *parents]}
    for path in [tmp_path, *parents]:
        path.chmod(path.stat().st_mode | 0o055)
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", textwrap.dedent(code)],
            capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip
    finally:
        for path in everything:
            path.chmod(0o755)
        for path, mode in before.items():
            path.chmod(mode)
    assert done.stdout.split("\n")[:2] == ["[0]", "refused 3"], done.stderr


WRITER = """
    import sys; sys.path[:] = {path!r}
    from kernelevo.core import Evaluation, Program, Trial
    from kernelevo.store import RunStore
    store = RunStore.open({folder!r})
    for number in range(store.count(), 100000):
        store.record(Trial(number, Program.single("x" * 3000 + str(number)), Evaluation.ok(float(number))))
        print(number, flush=True)
"""


def test_kill_9_loses_nothing_that_was_recorded(store: RunStore) -> None:
    folder = str(store.folder)
    store.close()
    code = textwrap.dedent(WRITER.format(path=sys.path, folder=folder))
    announced = -1
    for pause in (0.0, 0.013, 0.031, 0.052):
        writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        said = [int(line) for line in [first, *writer.stdout.read().split("\n")[:-1]] if line.strip()]
        writer.wait()
        writer.stdout.close()
        assert said[0] > announced
        announced = said[-1]
        with RunStore.open(folder) as after:  # the dead writer's lock is gone
            numbers = [t.number for t in after.trials()]
            assert numbers == list(range(len(numbers))) and numbers[-1] >= announced
            assert after.trials()[-1].score == numbers[-1]


@pytest.mark.slow
def test_ten_thousand_trials_are_read_quickly(store: RunStore) -> None:
    with store._write() as db:  # one transaction: this is about reading
        for number in range(10_000):
            store._put_program(db, Program.single("x" * 3000))
            db.execute(_INSERT_TRIAL, trial_row(trial(number, text="x" * 3000)))
    began = time.perf_counter()
    assert len(store.trials()) == 10_000
    assert time.perf_counter() - began < 3.0  # 0.2 s on an idle core

"""Shortcuts that hold on fresh parameters, drawn inputs or lone calls are seen; honest twins of them pass."""

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.timing import unseen
from tests.adversarial.more_shortcuts import MORE
from tests.adversarial.shortcut_rows import HONEST, SHORTCUTS, program
from tests.few import few
from tests.kernels.conftest import task_of

ALL = (*SHORTCUTS, *MORE)
OFTEN = [s.name for s in (*SHORTCUTS[1:3], SHORTCUTS[4], MORE[0], MORE[5])]


def heard(cache, task, text, *, final=False):
    with KernelJudge(
        task_of(task), cache=cache, compiled=(), search_seconds=0.15, final_seconds=0.6, threads=1
    ) as judge:
        judge.ground.pool.fill()
        artifact = judge.prepare(Program.single(text))
        return judge.finalize(artifact) if final else judge.measure(artifact)


@pytest.mark.parametrize("shortcut", few(ALL, OFTEN, name=lambda s: s.name))
def test_a_shortcut_is_seen(tmp_path, shortcut):
    found = heard(tmp_path, shortcut.task, shortcut.evil, final=shortcut.final)
    if found.status is Status.OK:  # a search draws parameters once, mild ones perhaps; for a winner thrice
        found = heard(tmp_path, shortcut.task, shortcut.evil, final=True)
    assert found.status is shortcut.status and shortcut.words in found.feedback, found.feedback


@pytest.mark.slow
@pytest.mark.parametrize("shortcut", few(ALL, OFTEN, name=lambda s: s.name))
def test_an_honest_program_passes(tmp_path, shortcut):
    text = shortcut.honest or program(shortcut.task)
    found = heard(tmp_path, shortcut.task, text, final=shortcut.final)
    assert found.status is Status.OK, found.feedback


@pytest.mark.parametrize("name", few(HONEST, ["an expanded result of a module that expands"]))
def test_what_looks_like_one_passes(tmp_path, name):
    found = heard(tmp_path, *HONEST[name])
    assert found.status is Status.OK, found.feedback


class Known(str):
    distribution = "signed"


class Stream:
    windows = True

    def pick(self):
        return Known("known")

    def unlike(self, distribution):
        assert distribution == Known.distribution  # a program may take as long as its data ask for
        return "unseen"


@pytest.mark.parametrize(("times", "refused"), [(1.6, True), (1.2, False), (1.0, False)])
def test_who_is_slower_on_unseen_inputs_is_refused(times, refused):
    ran = []

    def run(picks):
        ran.append(picks)
        return len(picks) * (times if picks[0] == "unseen" else 1.0)

    if refused:
        with pytest.raises(Failed, match=r"1\.60 times as long") as caught:
            unseen.look(run, Stream(), 7, 60.0)
        assert caught.value.status is Status.REJECTED and len(ran) == 4 * unseen.PAIRS
    else:
        unseen.look(run, Stream(), 7, 60.0)
    assert {len(picks) for picks in ran} == {7} and all(len(set(picks)) == 1 for picks in ran)


def test_a_busy_moment_convicts_nobody():
    """Slower once and not again: the machine had other work."""
    spans = iter([1.0, 1.9, 1.0, 1.8, 1.0, 1.7, 1.0, 0.9])
    unseen.look(lambda _: next(spans), Stream(), 3, 60.0)
    assert next(spans, None) is None


def test_inputs_are_drawn_before_the_device_is_taken():
    said = []

    class Told(Stream):
        def unlike(self, distribution):
            said.append("drawn")
            return super().unlike(distribution)

    def run(picks):
        said.append("timed")
        return 1.5 if picks[0] == "unseen" else 1.0

    with pytest.raises(Failed):
        unseen.look(run, Told(), 2, 60.0)
    assert said == ["drawn", "drawn", "timed", "timed"] * 2 * unseen.PAIRS


@pytest.mark.parametrize(("times", "pairs"), [(1.2, 1), (1.6, 4)])
def test_when_time_is_over_only_a_suspicion_is_followed_up(times, pairs):
    """Drawing alone may take longer than there is time; one pair convicts nobody, a second one may."""
    ran = []

    def run(picks):
        ran.append(picks)
        return times if picks[0] == "unseen" else 1.0

    if pairs > 1:
        with pytest.raises(Failed):
            unseen.look(run, Stream(), 3, 0.0)
    else:
        unseen.look(run, Stream(), 3, 0.0)
    assert len(ran) == 2 * pairs

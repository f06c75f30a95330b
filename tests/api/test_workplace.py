"""Workplace: how much of a run happens at a time, and where."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from kernelevo.api import parts
from kernelevo.api.parts import schedule_of
from kernelevo.api.workplace import Workplace, refuse_workers, workplace
from kernelevo.config import Settings
from kernelevo.device.groups import groups_folder
from kernelevo.device.guardian import registered
from kernelevo.device.priority import LAST
from kernelevo.errors import BadSetting
from kernelevo.executors import GenerationHost, InlineExecutor, ProcessExecutor


@pytest.mark.parametrize(("staged", "at_once"), [(False, 3), (True, 1)])
def test_plain_programs_are_judged_side_by_side_and_kernels_one_after_the_other(
    staged: bool, at_once: int, tmp_path: Path
) -> None:
    place = workplace(Settings(workers=3), staged=staged, device="device:0", log=tmp_path / "log")
    try:
        assert isinstance(place.executor, ProcessExecutor)
        assert (place.builders, place.measurers) == (at_once, at_once)
    finally:
        place.executor.close()


@pytest.mark.parametrize(
    ("settings", "staged", "refused"),
    [
        (Settings(workers=4), True, True),
        (Settings(workers=4), False, False),
        (Settings(workers=1), True, False),
        (Settings(), True, False),
        (Settings(workers=4, executor="ray"), True, False),
        (Settings(workers=4, elsewhere="folder", device="cuda"), True, False),
    ],
)
def test_workers_that_a_run_cannot_have_are_refused(settings: Settings, staged: bool, refused: bool) -> None:
    with pytest.raises(BadSetting, match="workers=4") if refused else nullcontext():
        refuse_workers(settings, staged=staged)


def test_inline_is_one_after_the_other(tmp_path: Path) -> None:
    settings = Settings(executor="inline", workers=3)
    place = workplace(settings, staged=False, device="device:0", log=tmp_path / "log")
    assert isinstance(place.executor, InlineExecutor) and (place.builders, place.measurers) == (1, 1)


def test_as_many_think_as_are_judged_if_nothing_is_said() -> None:
    place = Workplace(InlineExecutor(), builders=5, measurers=5)
    assert schedule_of(Settings(), place).thinkers == 5
    assert schedule_of(Settings(thinkers=3), place).thinkers == 3
    assert schedule_of(Settings(), Workplace(InlineExecutor())).thinkers == 2
    deterministic = schedule_of(Settings(deterministic=True, window=7), place)
    assert (deterministic.thinkers, deterministic.window) == (1, 7)


def test_generation_rests_while_programs_are_timed_and_comes_last_while_they_are_checked() -> None:
    host = GenerationHost(on_start=parts._yield_to_the_judge)
    try:
        host.start()
        group = host.pgid
        assert os.getpriority(os.PRIO_PROCESS, group) == LAST
        assert group in registered(str(groups_folder()))
    finally:
        host.close()
    assert group not in registered(str(groups_folder()))

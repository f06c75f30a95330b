"""Beginnings of a detached run that go wrong, and what is told from a run that has begun."""

import os
import re
import signal
import sys
import time

import pytest

from kernelevo.cli.detach import LOG, detach
from kernelevo.cli.main import run_command
from kernelevo.errors import MachineError, WorkerDied
from kernelevo.store import CONFIG_FILE
from kernelevo.store.lock import LOCK_FILE

TOUR = ["run", "tour.py:tour", "--proposers", "mailbox", "--mailbox", "box", "--budget", "1s"]
EARLIER = 'budget = "of something else"\n'


@pytest.fixture
def folder(elsewhere):
    """A folder for a run, with a file in it that has the name of a run's settings."""
    (elsewhere / "there").mkdir()
    (elsewhere / "there" / CONFIG_FILE).write_text(EARLIER)
    return elsewhere / "there"


@pytest.fixture
def begins_as(elsewhere, monkeypatch):
    """Let a shell script stand for the process of the run; ``$6`` is the folder."""

    def put(script):
        path = elsewhere / "python.sh"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return put


def test_a_log_that_cannot_be_written_is_refused(elsewhere, capsys):
    (elsewhere / "there" / LOG).mkdir(parents=True)
    assert run_command([*TOUR, "--out", "there", "--detach"]) == 2
    said = capsys.readouterr().err
    assert said == (
        f"StoreError: there/{LOG} cannot be written.\n"
        "  why  Is a directory\n  now  choose another folder with --out\n"
    )


def test_settings_that_lay_there_are_not_taken_for_a_run_that_has_begun(folder, capsys):
    (folder / LOCK_FILE).mkdir()
    assert run_command([*TOUR, "--out", "there", "--detach"]) == 2
    said = capsys.readouterr().err
    assert "the run folder there cannot be written.\n  why  Is a directory" in said and "process" not in said
    assert (folder / CONFIG_FILE).read_text() == EARLIER


def test_new_settings_in_place_of_what_lay_there_are_a_run_that_has_begun(folder, begins_as, capsys):
    begins_as(f'sleep 0.3; echo new > "$7/scratch"; mv "$7/scratch" "$7/{CONFIG_FILE}"; sleep 2; exit 4')
    assert detach("task", {}, folder) == 0
    assert (folder / CONFIG_FILE).read_text() == "new\n"
    assert f"runs in {folder}; what it says: {folder / LOG}" in capsys.readouterr().err


def test_a_process_that_a_signal_ends_is_the_machines_fault(folder, begins_as, capsys):
    begins_as('echo "its last words"; kill -KILL $$')
    with pytest.raises(WorkerDied, match="ended by a signal as it began") as caught:
        detach("task", {}, folder)
    assert caught.value.exit_code == 3 and caught.value.why == "signal 9: Killed"
    assert capsys.readouterr().err == "its last words\n"


@pytest.mark.parametrize("before", [signal.default_int_handler, signal.SIG_IGN])
def test_ctrl_c_while_it_begins_reaches_the_run(folder, begins_as, monkeypatch, capsys, before):
    """Also where it is ignored, as by what a shell starts in the background."""
    here = signal.signal(signal.SIGINT, before)
    try:
        _interrupt(folder, begins_as, monkeypatch, capsys)
    finally:
        signal.signal(signal.SIGINT, here)


def _interrupt(folder, begins_as, monkeypatch, capsys):
    begins_as('trap \'echo told > "$7/told"; exit 130\' INT; echo > "$7/ready"; while :; do sleep 0.05; done')
    waited, sleep = [], time.sleep

    def interrupted(seconds):
        waited.append(seconds)
        if (folder / "ready").exists():
            raise KeyboardInterrupt
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        detach("task", {}, folder)
    told = re.search(r"process (\d+) is told to stop; what it says: (.*)\n", capsys.readouterr().err)
    assert told and told[2] == str(folder / LOG) and waited
    until = time.monotonic() + 20
    while not (folder / "told").exists() and time.monotonic() < until:
        sleep(0.02)
    if not (folder / "told").exists():
        os.kill(int(told[1]), signal.SIGKILL)
    _, status = os.waitpid(int(told[1]), 0)
    assert os.waitstatus_to_exitcode(status) == 130 and (folder / "told").exists()


def test_a_process_that_cannot_be_started_is_the_machines_fault(folder, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(folder / "no-python"))
    with pytest.raises(MachineError, match="cannot be started") as caught:
        detach("task", {}, folder)
    assert caught.value.exit_code == 3 and "No such file or directory" in caught.value.why

"""How to do a run again: what is said gives the same settings, and nothing of it is refused."""

import shlex
from dataclasses import replace
from typing import Any

import pytest

from kernelevo.config import Settings, load_settings, needed
from kernelevo.report.page import command_line

NO_ENV: dict[str, str] = {}
IDLE = "[run]\nrepairs = 3\nwindow = 8\nmax_tokens = 100\nreply_timeout = 50\nno_migration = true\n"


def test_what_did_nothing_and_what_is_usual_is_not_said(tmp_path):
    (tmp_path / "many.toml").write_text(IDLE)
    recorded = load_settings({"budget": "2"}, file=tmp_path / "many.toml", environ=NO_ENV).to_json()
    assert needed(recorded) == {"budget": "2"}
    assert command_line("lat.py:lat", needed(recorded)) == "kernelevo run lat.py:lat --budget 2"
    assert command_line("M", needed(Settings().to_json()), live=True) == "kernelevo.optimize(module, inputs)"


@pytest.mark.parametrize(
    "given",
    [
        {"model": "m", "repairs": 3},
        {"replay": "/r.jsonl", "judge_model": "m", "proposers": ["rewrite", "compiler", "crossover", "tune"]},
        {"mailbox": "/box", "seed": 4, "no_clusters": False, "no_knowledge": True},
        {"islands": 3, "no_migration": True, "no_elites": False},
        {"deterministic": True, "window": 9, "programs": ["/a.py", "/b.py"]},
        {"executor": "ray", "ray_address": "host:6379", "workers": 4},
    ],
)
def test_what_is_said_gives_the_same_settings(given: dict[str, Any]) -> None:
    settings = load_settings(given, environ=NO_ENV)
    assert load_settings(needed(settings.to_json()), environ=NO_ENV) == settings


def test_what_does_nothing_once_another_is_left_out_is_left_out_too() -> None:
    settings = replace(Settings(), islands=3, no_islands=True)  # as a file may have it
    assert needed(settings.to_json()) == {}


def test_settings_of_another_version_are_said_as_they_are() -> None:
    assert needed({"budget": "5s", "no_such": 1}) == {"budget": "5s", "no_such": 1}


def test_a_shell_gets_words_that_run_takes(tmp_path) -> None:
    from typer.testing import CliRunner

    from kernelevo.cli.main import app

    (tmp_path / "many.toml").write_text(IDLE)
    recorded = load_settings({"budget": "2"}, file=tmp_path / "many.toml", environ=NO_ENV).to_json()
    words = shlex.split(command_line("nowhere.py:none", needed(recorded)))[1:]
    said = str(CliRunner().invoke(app, words).exception)
    assert "nowhere" in said and "would do nothing" not in said

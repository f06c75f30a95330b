"""The verb tasks: all that run knows by name, and the programs that come along."""

import json

import pytest

from kernelevo.cli.main import run_command
from kernelevo.evaluators import registry
from kernelevo.evaluators.catalogue import OURS
from kernelevo.tasks import bundled, library, load_task


@pytest.fixture
def rows(capsys):
    def run(*arguments):
        assert run_command(["tasks", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_every_name_that_run_knows_is_there(rows):
    found = {row["name"]: row for row in rows()}
    problems = {name for name, row in found.items() if row["group"] == "packs"}
    assert found.keys() - problems == set(bundled())
    assert problems == set(registry.names()) - {"kernel"}
    assert all("\n" not in row["title"] for row in found.values())
    assert all(found[name]["title"] for name in {*bundled(), *OURS} - {"kernel"})
    assert found["kernelbench:3/3"]["grade"] == "blind"
    for variant in found["kernelbench:3/3"]["variants"]:
        assert load_task(f"kernelbench:3/3@{variant}").options["reference"]["variant"] == variant


@pytest.mark.parametrize("features", [["avx2"], ["avx2", "avx512f"]])
def test_programs_are_those_that_bench_takes_here(rows, monkeypatch, features):
    monkeypatch.setattr(library, "cpu_facts", lambda: {"features": features})
    shelf = "cpu" if "avx512f" in features else "cpu-avx2"
    counts = {row["name"]: row["programs"] for row in rows("kernelbench:3")}
    assert len(counts) == 50 and min(counts.values()) >= 1
    for name, paths in library.solutions(shelf).items():
        assert counts[name.partition("@")[0]] == len(paths)


def test_words_for_people_and_a_group_that_is_not_there(capsys):
    assert run_command(["tasks", "ops"]) == 0
    said = capsys.readouterr()
    assert "ops/softmax" in said.out and "Softmax over rows" in said.out and "kernelbench" not in said.out
    assert "kernelevo run ops/" in said.err
    assert run_command(["tasks", "kernelbench"]) == 2
    assert "did you mean 'kernelbench:3'" in capsys.readouterr().err


def test_an_installed_package_that_breaks_is_named(rows, monkeypatch):
    def broken(name):
        raise registry.BadProgram(f"{name} raises ImportError")

    monkeypatch.setattr(registry, "find", broken)
    (row,) = [row for row in rows("packs") if row["name"] == "circle_packing"]
    assert row["title"] == "cannot be used: circle_packing raises ImportError"

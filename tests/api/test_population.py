"""The population that settings ask for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kernelevo.api.language import language
from kernelevo.api.parts import Plan, device_facts, known_facts, mended, population, refuse_idle
from kernelevo.api.parts import _proposers as proposers_made
from kernelevo.config import SAMPLERS, SWITCHES, Settings, load_settings
from kernelevo.core import Evaluation, Program, Task, Trial
from kernelevo.engine import Budget
from kernelevo.errors import BadSetting
from kernelevo.executors import GenerationHost
from kernelevo.population import DEFAULT
from kernelevo.population import SAMPLERS as KNOWN
from kernelevo.proposers.prompt_files import PromptFiles
from kernelevo.store import CallRow, RunStore

KERNEL, OTHER = Task("k", "fast", evaluator="kernel"), Task("o", "good", evaluator="toy")
MODEL = {"model": "m", "proposers": ["llm"]}


def made(flags: dict[str, object], task: Task = KERNEL):  # type: ignore[no-untyped-def]
    # what flags would refuse together, such as a number of islands beside no_islands, may stand in a file
    return population(task, Settings.from_json(flags))


def proposers_of(task: Task, settings: Settings, folder: Path) -> list[Any]:
    limits = Budget.parse(settings.budget)
    with RunStore.create(folder, task, settings.to_json()) as store:
        plan = Plan(store, settings, limits)
        return list(proposers_made(plan, GenerationHost(), language(settings, limits)))


def test_who_can_be_steered_gets_islands_and_a_cold_start() -> None:
    free, model = made({}), made(MODEL)
    assert len(free.islands) == 1 and not free.cold
    assert model.cold and made({**MODEL, "no_cold_start": True}).cold is False
    assert len(made({**MODEL, "no_cold_start": True}).islands) == 1
    assert len(made({"islands": 3, "no_cold_start": True}).islands) == 3
    assert made({"islands": 3}).cold
    assert len(made({"islands": 3, "no_islands": True, "no_cold_start": True}).islands) == 1


def directions(flags: dict[str, object], task: Task, lines: int = 6) -> list[str]:
    from random import Random

    return [made(flags, task).ask(Random(0), turn=line).direction for line in range(lines)]


def test_directions_are_those_of_the_personas_that_fit_the_task() -> None:
    prompts = PromptFiles.load()
    for task, kind in ((KERNEL, "kernel"), (OTHER, "general")):
        assert directions(MODEL, task) == [p.direction for p in prompts.personas(kind)][:6]


def test_own_personas_steer_and_wrong_prompts_are_refused_before_a_run(tmp_path: Path) -> None:
    folder = tmp_path / "personas" / "kernel"
    folder.mkdir(parents=True)
    (folder / "a-first.md").write_text('+++\ntemperature = 1\ndirection = "Only loops."\n+++\nUnroll.\n')
    own = {**MODEL, "prompts": str(tmp_path)}
    assert directions(own, KERNEL)[0] == "Only loops." != directions(MODEL, KERNEL)[0]
    (tmp_path / "system.md").write_text("{{who}}")
    with pytest.raises(BadSetting, match="who"):
        refuse_idle(KERNEL, load_settings(own, environ={}))


def test_prompts_and_their_size_reach_the_proposer(tmp_path: Path) -> None:
    (tmp_path / "system.md").write_text("Be brief.\n")
    flags = {"mailbox": str(tmp_path / "box"), "proposers": ["mailbox"], "prompts": str(tmp_path)}
    (proposer,) = proposers_of(
        KERNEL, load_settings({**flags, "prompt_tokens": 900}, environ={}), tmp_path / "a"
    )
    assert proposer.writer.prompts.texts["system.md"] == "Be brief.\n" and proposer.writer.tokens == 900
    (usual,) = proposers_of(KERNEL, load_settings({**flags, "prompts": None}, environ={}), tmp_path / "b")
    assert usual.writer.tokens == 24_000 and usual.writer.prompts.texts["system.md"] != "Be brief.\n"


def test_authors_are_told_of_the_processor() -> None:
    facts = device_facts("cpu")
    assert facts["cores"] >= 1 and facts["architecture"] and "KiB" in str(facts["caches of core 0"])


def test_authors_are_not_told_of_this_processor_where_another_machine_judges(tmp_path: Path) -> None:
    here = load_settings({}, environ={})
    away = load_settings({"elsewhere": str(tmp_path)}, environ={})
    assert known_facts(here) == device_facts("cpu")
    assert set(known_facts(away)) == {"name"} and "another machine" in known_facts(away)["name"]


@pytest.mark.parametrize("name", SWITCHES)
def test_each_switch_reaches_the_policy(name: str) -> None:
    field = name.removeprefix("no_")
    flags = {**MODEL, "islands": 4}
    usual = name not in ("no_clusters", "no_elites")  # these did not pay: off unless asked for
    assert getattr(made(flags).policy, field) is usual
    assert getattr(made({**flags, name: False}).policy, field) is True
    assert getattr(made({**flags, name: True}).policy, field) is False


def test_the_default_is_the_policy_that_was_measured_best() -> None:
    policy = made({**MODEL}).policy
    assert policy == replace(DEFAULT, islands=False)
    assert (policy.clusters, policy.elites, policy.coldest) == (False, False, 0.05)


def test_samplers_are_those_of_the_population() -> None:
    assert SAMPLERS == KNOWN
    assert [made({"sampler": name}).policy.sampler for name in KNOWN] == list(KNOWN)


def test_a_resumed_run_asks_again_for_repairs_that_were_not_answered(tmp_path: Path) -> None:
    asked = {0: ("answered",), 1: ("failed", "failed"), 2: ("asked",), 3: ("failed", "answered")}
    with RunStore.create(tmp_path / "run", OTHER, {}) as store:
        for number, states in asked.items():
            store.record(Trial(number, Program.single(str(number)), Evaluation.wrong("off")))
            for state in states:
                store.add_call(CallRow("repair", "m", "hash", trial=number, state=state))
        store.add_call(CallRow("proposer", "m", "hash", trial=1))  # who only proposed has mended nothing
        assert mended(store) == {Program.single(str(number)).id: 1 for number in (0, 3)}

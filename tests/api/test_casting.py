"""Which proposers work on which task, and what a name that nobody knows is answered."""

import pytest

from kernelevo.api.casting import HOSTED, cast, refuse_idle
from kernelevo.api.loading import find_task
from kernelevo.config import GENERAL, MODEL_FREE, Settings
from kernelevo.core import Task
from kernelevo.errors import BadSetting, TaskNotFound

KERNEL, OTHER = Task("k", "g"), Task("o", "g", evaluator="circle_packing")


def test_the_usual_proposers_fit_the_task():
    assert cast(KERNEL, Settings()) == MODEL_FREE
    assert cast(OTHER, Settings()) == GENERAL
    assert cast(OTHER, Settings(model="m", proposers=(*MODEL_FREE, "llm"))) == (*GENERAL, "llm")
    assert cast(OTHER, Settings(proposers=("constants",))) == ("constants",)
    assert set(HOSTED) == {*MODEL_FREE, *GENERAL}


def test_a_run_in_which_nobody_could_propose_is_refused():
    with pytest.raises(BadSetting, match="none of the proposers"):
        refuse_idle(OTHER, Settings(proposers=("rewrite",)))


def test_without_libcst_two_are_left_out(monkeypatch):
    monkeypatch.setattr("kernelevo.api.casting.find_spec", lambda name: None)
    assert cast(OTHER, Settings()) == ("tune", "constants")


def test_an_unknown_name_is_answered_with_evaluators_too():
    with pytest.raises(TaskNotFound) as caught:
        find_task("circle_pakcing", Settings())
    assert "did you mean 'circle_packing'" in str(caught.value)
    assert find_task("circle_packing", Settings()).evaluator == "circle_packing"

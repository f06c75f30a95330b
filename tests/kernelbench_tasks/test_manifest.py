"""The manifest: every task has an entry, its figures are counted, its variants exist."""

import pytest
import torch

from kernelevo.backends.reference import load_reference
from kernelevo.backends.taskfile import sizes, variants
from kernelevo.tasks import bundled, facts, load_task
from kernelevo.tasks.memory import peak_bytes
from tests.few import few

UNREAD = {"kernelbench:3/49": ("C",), "kernelbench:3/50": ("c_proj.",)}
SLOW = tuple(f"kernelbench:3/{n}" for n in (10, 15, 16, 34, 35, 36, 37, 38, 39, 40, 41, 42))


def test_every_task_has_facts_for_every_size():
    for name, task in bundled().items():
        known = facts(name)
        assert known["title"] and known["lint"]["source"]
        assert set(known["sizes"]) == set(sizes(task.text))
        assert set(known.get("variants", {})) == set(variants(task.text))
        for size in known["sizes"].values():
            assert 0 < size["min_bytes"] <= size["peak_bytes"] and size["flops"] >= 0


def test_facts_of_an_unknown_task_and_of_a_variant():
    assert facts("nothing") == {}
    assert facts("kernelbench:3/28@batchfirst") is facts("kernelbench:3/28")


@pytest.mark.parametrize("name", few((n for n in bundled() if n not in SLOW), 9))
def test_bytes_are_what_the_meta_device_counts(name):
    reference = load_reference(load_task(name, size="small").options["reference"])
    with torch.device("meta"), torch.no_grad():
        module, inputs = reference.build(0), reference.inputs(0)
        output = module(*inputs)
    known = facts(name)["sizes"]["small"]
    unread = UNREAD.get(name, ("\0",))
    read = [p for n, p in module.named_parameters() if not n.startswith(unread)]
    assert known["min_bytes"] == sum(t.numel() * t.element_size() for t in (*inputs, *read, output))
    del output
    assert known["peak_bytes"] == peak_bytes(module, inputs)


@pytest.mark.parametrize("name", [n for n in bundled() if n.startswith("ops/")])
def test_operations_run_at_small(name):
    reference = load_reference(load_task(name, size="small").options["reference"])
    module, inputs = reference.build(0), reference.inputs(0)
    with torch.no_grad():
        assert torch.isfinite(module(*inputs)).all()

"""Settings of a module, also those inside of containers and configurations."""

import copy
import enum
import types
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from kernelevo.kernels.dropin.attributes import LARGEST, equal, settings_of


class Mode(enum.Enum):
    SUM = "sum"
    MEAN = "mean"


@dataclass
class Config:
    scale: float = 2.0
    modes: list[Mode] = field(default_factory=lambda: [Mode.SUM])
    more: dict[str, Any] = field(default_factory=lambda: {"eps": 1e-5})


class Trainer:
    """Holds something else than settings, and changes at each step."""

    def __init__(self) -> None:
        self.step, self.lock = 0, object()


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.LayerNorm(3)
        self.config = Config()
        self.options = {"causal": True, 4: None, "table": torch.ones(2)}
        self.parts = [torch.zeros(1), {"size": 3}]
        self.name, self.sizes, self.activation = "block", (1, [2]), torch.relu
        self.trainer, self.vocabulary = Trainer(), {str(n): n for n in range(LARGEST + 1)}
        self.empty = types.SimpleNamespace()


def test_names_and_values():
    found = settings_of(Block())
    inner = {name: found.pop(name) for name in list(found) if name.startswith("inner.")}
    assert inner["inner.eps"] == 1e-5 and inner["inner.normalized_shape"] == (3,)
    assert found == {
        "config": ("scale", "modes", "more"),
        "config.scale": 2.0,
        "config.modes": [Mode.SUM],
        "config.more": ("eps",),
        "config.more['eps']": 1e-5,
        "options": ("causal", "4", "table"),
        "options['causal']": True,
        "options[4]": None,
        "parts": 2,
        "parts[1]": ("size",),
        "parts[1]['size']": 3,
        "name": "block",
        "sizes": (1, [2]),
        "activation": torch.relu,
    }


def test_what_was_found_stays_when_the_module_changes():
    block = Block()
    found = settings_of(block)
    block.sizes[1].append(3)
    block.config.modes.append(Mode.MEAN)
    assert found["sizes"] == (1, [2]) and found["config.modes"] == [Mode.SUM]
    now = settings_of(block)
    assert {name for name in found if not equal(found[name], now[name])} == {"sizes", "config.modes"}


def test_a_copy_has_the_same_settings():
    block = Block()
    one, two = settings_of(block), settings_of(copy.deepcopy(block))
    assert one.keys() == two.keys() and all(equal(one[name], two[name]) for name in one)


def test_what_contains_itself_is_left():
    block = Block()
    block.config.more["config"] = block.config
    block.options["me"] = block.options
    found = settings_of(block)
    assert "config.scale" not in found and found["options['me']['causal']"] is True


def test_equal_tells_types_apart():
    assert equal([1, (float("nan"), None)], [1, (float("nan"), None)])
    assert not equal(1, True) and not equal([1], (1,)) and not equal([1], [1, 2]) and not equal(0.0, 0)

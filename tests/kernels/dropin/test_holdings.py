"""A second look at a module sees whatever was exchanged in it, and nothing where only values changed."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from kernelevo.kernels.dropin.holdings import Holdings


def block():
    made = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Sequential(nn.Linear(4, 4, bias=False)))
    made.sizes = [1, 2]
    made.options = {"scale": 2.0, "sizes": [3]}
    made.config = SimpleNamespace(eps=1e-5, names={0: "a"})
    made[0].config = made.config
    return made


def test_calls_and_writes_in_place_change_nothing():
    module = block()
    held = Holdings(module)
    assert held.same()
    with torch.no_grad():
        module(torch.rand(5, 3))  # running statistics
        module[0].weight.mul_(2)
        module.load_state_dict(block().state_dict())
    assert held.same()


def replaced(module):
    module[2][0] = nn.Linear(4, 4, bias=False)


def removed(module):
    del module[2]


def added(module):
    module.append(nn.Identity())


def renamed(module):
    module._modules = {f"a{k}": v for k, v in module._modules.items()}


def evaluated(module):
    module[1].eval()


def evaluated_above(module):
    module.training = False


def parameter(module):
    module[2][0].weight = nn.Parameter(torch.rand(4, 4))


def buffer(module):
    module[1].running_mean = torch.zeros(4)


def gone(module):
    module[0].bias = None


def new(module):
    module[0].register_buffer("more", torch.zeros(1))


def dictionary(module):
    module[0]._parameters = dict(module[0]._parameters)


def elsewhere(module):
    module[0].weight.data = torch.rand(4, 3)  # of the same kind, and no version counter moves


def halved(module):
    module[0].weight.data = module[0].weight.data.half()


def shaped(module):
    module[0].weight.data = torch.rand(4, 5)


def strided(module):
    module[0].weight.data = torch.rand(3, 4).t()


def moved(module):
    module[0].weight = nn.Parameter(module[0].weight.to("meta"))


def setting(module):
    module[1].eps = 0.1


def attribute(module):
    module.extra = "more"


def entry(module):
    module.sizes.append(3)


def option(module):
    module.options["scale"] = 3.0


def option_added(module):
    module.options["more"] = None


def option_renamed(module):
    module.options["scales"] = module.options.pop("scale")


def option_deep(module):
    module.options["sizes"][0] = 4


def configured(module):
    module[0].config.eps = 0.1


def configured_deep(module):
    module.config.names[0] = "b"


def hook(module):
    module[0].register_forward_hook(print)


def hook_before(module):
    module[2].register_forward_pre_hook(print)


@pytest.mark.parametrize(
    "change",
    [
        setting, attribute, entry, option, option_added, option_renamed, option_deep,
        configured, configured_deep, hook, hook_before, replaced, removed, added, elsewhere,
        renamed, evaluated, evaluated_above, parameter, buffer, gone, new, dictionary,
        halved, shaped, strided, moved,
    ],
)  # fmt: skip
def test_whatever_is_exchanged_is_seen(change):
    module = block()
    held = Holdings(module)
    change(module)
    assert not held.same()
    assert Holdings(module).same()

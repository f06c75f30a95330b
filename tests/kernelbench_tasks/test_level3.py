"""The level 3 tasks against the published table: parameters, shapes, FLOPs, traps, sizes."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from kernelevo.backends.taskfile import overrides, sizes, variants
from kernelevo.tasks import bundled, facts
from tests.few import few
from tests.kernelbench_tasks.tasks_of_level3 import reference, run

# number: init arguments, input shapes, output shape, parameters, GFLOP
TABLE = {
    1: ([16384, [16384, 16384], 8192], [(128, 16384)], (128, 8192), "671.1M", 171.8),
    2: ([16384, [32768, 32768], 16384], [(128, 16384)], (128, 16384), "2147.6M", 549.8),
    3: ([8192, [1024] * 16, 8192], [(1024, 8192)], (1024, 8192), "32.5M", 66.6),
    4: ([20], [(4096, 1, 32, 32)], (4096, 20), "62.6k", 3.4),
    5: ([1000], [(1024, 3, 224, 224)], (1024, 1000), "62.4M", 2325.0),
    6: ([480, 192, 96, 208, 16, 48, 64], [(10, 480, 224, 224)], (10, 512, 224, 224), "376.2k", 376.9),
    7: ([1000], [(10, 3, 224, 224)], (10, 1000), "7.0M", 31.7),
    8: ([3, 64, 1], [(10, 3, 224, 224)], (10, 64, 224, 224), "39.2k", 38.9),
    9: ([1000], [(2, 3, 224, 224)], (2, 1000), "11.7M", 7.3),
    10: ([[3, 4, 23, 3], 1000], [(10, 3, 224, 224)], (10, 1000), "44.5M", 156.0),
    11: ([1000], [(10, 3, 224, 224)], (10, 1000), "138.4M", 309.4),
    12: ([1000], [(10, 3, 224, 224)], (10, 1000), "143.7M", 392.6),
    13: ([32, 64], [(128, 32, 256, 256)], (128, 64, 128, 128), "2.1k", 34.4),
    14: ([6, 32, 32], [(10, 32, 224, 224)], (10, 224, 224, 224), "194.9k", 194.2),
    15: ([32, 10], [(10, 3, 224, 224)], (10, 10), "9.9M", 60.9),
    16: ([32, 10], [(10, 3, 224, 224)], (10, 10), "30.1M", 112.0),
    17: ([3, 6, 64, 64], [(128, 3, 256, 256)], (128, 128, 256, 256), "4.0k", 64.7),
    18: ([1000], [(64, 3, 512, 512)], (64, 1000), "1.2M", 573.2),
    19: ([1000, 3, 1.0], [(10, 3, 224, 224)], (10, 1000), "4.2M", 11.4),
    20: ([1000], [(10, 3, 224, 224)], (10, 1000), "3.5M", 6.0),
    21: ([112, 192, 5, 2, 6], [(10, 112, 224, 224)], (10, 192, 112, 112), "224.2k", 112.1),
    22: ([1000], [(10, 3, 224, 224)], (10, 1000), "3.9M", 6.3),
    23: ([1000], [(10, 3, 240, 240)], (10, 1000), "2.7M", 4.4),
    24: ([1000], [(2, 3, 224, 224)], (2, 1000), "6.9M", 0.3),
    25: ([240, 480, 3], [(10, 240, 224, 224)], (10, 480, 224, 224), "147.5k", 145.6),
    26: ([1000], [(10, 3, 224, 224)], (10, 1000), "3.3M", 143.6),
    27: ([3, 3, [64, 128, 256], 10], [(8, 3, 224, 224)], (8, 10), "1.1M", 119.8),
    28: ([224, 16, 10, 512, 6, 8, 2048, 3, 0.0, 0.0], [(2, 3, 224, 224)], (2, 10), "20.5M", 15.2),
    29: ([], [(10, 3, 224, 224)], (10, 1000), "20.0M", 61.1),
    30: ([], [(10, 3, 224, 224)], (10, 1000), "28.3M", 89.8),
    31: ([128, 4], [(2, 128, 128, 128)], (2, 128, 128, 128), "66.3k", 279.2),
    32: ([1000, 128, 4], [(10, 3, 32, 32)], (10, 1000), "2.4M", 0.1),
    33: ([16384, 16384, 8192], [(256, 16384)] * 2, (256, 8192), "671.1M", 343.6),
    34: ([1024, 256, 128], [(256, 8, 1024), (8, 256)], (256, 8, 128), "360.8k", 1.5),
    35: ([128, 256, 6, 10, 0.0], [(10, 512, 128)], (10, 10), "3.0M", 30.9),
    36: ([128, 256, 6, 10, 0.0], [(10, 512, 128), *[(6, 10, 256)] * 2], (6, 10, 256), "3.0M", 30.9),
    37: ([128, 256, 6, 10, 0.0], [(10, 512, 128), *[(6, 10, 256)] * 2], (6, 10, 256), "3.0M", 30.9),
    38: ([128, 256, 6, 10, 0.0], [(10, 512, 128), *[(12, 10, 256)] * 2], (10, 10), "8.7M", 88.6),
    39: ([128, 256, 6], [(512, 10, 128), (6, 10, 256)], (512, 10, 256), "2.3M", 23.2),
    40: ([128, 256, 6], [(512, 10, 128), (6, 10, 256)], (6, 10, 256), "2.3M", 23.2),
    41: ([128, 256, 6], [(512, 10, 128), (12, 10, 256)], (512, 10, 512), "6.5M", 66.4),
    42: ([128, 256, 6], [(512, 10, 128), (12, 10, 256)], (12, 10, 256), "6.5M", 66.4),
    43: ([768, 8, 0.0, 0.0, 1024], [(128, 512, 768)], (128, 512, 768), "2.4M", 412.3),
    44: ([768, 8, 0.0, 0.0, 1024], [(128, 512, 768)], (128, 512, 768), "7.1M", 1030.8),
    45: ([8, 4, 64], [(8, 8, 64, 512)], (8, 4, 64, 512), "31.0M", 386.9),
    46: ([32, 512, 16], [(2048, 100, 512)], (2048, 16384), "41.1k", 16.8),
    47: ([32, 512, 0], [(2048, 100, 512)], (2048, 16384), "32.8k", 13.4),
    48: ([2048, 128, 8, 64, 16, 64], [(2048, 128, 8, 64)], (2048, 128, 8, 64), "69.2M", 30.4),
    49: ([2048, 128, 8, 64, 16, 64], [(2048, 128, 8, 64)], (2048, 8, 64, 16), "69.2M", 26.1),
    50: ([768, 12, 1024], [(16, 1024, 768)], (16, 1024, 768), "2.4M", 109.5),
}
# what v0 has different: init arguments, input shapes, output shape
V0 = {
    1: ([1000, [400, 800], 500], [(1, 1000)], (1, 500)),
    2: ([1000, [2000, 2000], 10], [(1, 1000)], (1, 10)),
    3: ([1000, [50] * 8, 10], [(1, 1000)], (1, 10)),
    4: ([10], [(1, 1, 32, 32)], (1, 10)),
    5: ([1000], [(10, 3, 224, 224)], (10, 1000)),
    13: ([32, 64], [(10, 32, 224, 224)], (10, 64, 112, 112)),
    17: ([3, 6, 64, 64], [(10, 3, 224, 224)], (10, 128, 224, 224)),
    18: ([1000], [(1, 3, 224, 224)], (1, 1000)),
    33: ([1024, 256, 128], [(8, 1024)], (8, 128)),
    34: ([1024, 256, 128], [(8, 1024)], (8, 256)),
    36: ([128, 256, 6, 10, 0.0], [(10, 512, 128)], (6, 10, 256)),
    37: ([128, 256, 6, 10, 0.0], [(10, 512, 128)], (6, 10, 256)),
    38: ([128, 256, 6, 10, 0.0], [(10, 512, 128)], (10, 10)),
    39: ([128, 256, 6], [(512, 10, 128)], (512, 10, 256)),
    40: ([128, 256, 6], [(512, 10, 128)], (6, 10, 256)),
    41: ([128, 256, 6], [(512, 10, 128)], (512, 10, 512)),
    42: ([128, 256, 6], [(512, 10, 128)], (12, 10, 256)),
    46: ([32, 512, 16], [(32, 100, 512)], (32, 16384)),
    47: ([32, 512, 0], [(32, 100, 512)], (32, 16384)),
    48: ([16, 128, 8, 64, 16, 64], [(16, 128, 8, 64)], (16, 128, 8, 64)),
    49: ([16, 128, 8, 64, 16, 64], [(16, 128, 8, 64)], (16, 8, 64, 16)),
}
WIDTHS = (1, 2, 3, 33)  # whose widths the rule halves
BATCHED = (48, 49)  # whose parameters hold the batch
SEQUENCE_FIRST = (34, 39, 40, 41, 42)
LONG = (10, 15, 16, 35, 36, 37, 38, 39, 40, 41, 42)  # many layers or steps: seconds even on the meta device


def on_meta(task):
    with torch.device("meta"):
        return task.build(0), task.inputs(0)


def rounded(count):
    if count >= 1e6:
        return f"{count / 1e6:.1f}M"
    return f"{count / 1e3:.1f}k"


def test_the_tasks_of_the_table_are_there():
    assert [n for n in bundled() if n.startswith("kernelbench:3/")] == [f"kernelbench:3/{n}" for n in TABLE]


@pytest.mark.parametrize("number", TABLE)
def test_full_is_the_published_form(number):
    init, shapes, _, parameters, _ = TABLE[number]
    task = reference(number)
    module, inputs = on_meta(task)
    assert task.init_args(0) == init
    assert [tuple(x.shape) for x in inputs] == shapes
    assert rounded(sum(p.numel() for p in module.parameters())) == parameters
    assert module.training and all(p.dtype == torch.float32 for p in module.parameters())


def check_output_and_flops(number):
    _, _, shape, _, gflop = TABLE[number]
    module, inputs = on_meta(reference(number))
    with torch.no_grad(), FlopCounterMode(display=False) as flops:
        output = module(*inputs)
    assert tuple(output.shape) == shape and output.dtype == torch.float32
    assert round(flops.get_total_flops() / 1e9, 1) == gflop
    assert facts(f"kernelbench:3/{number}")["sizes"]["full"]["flops"] == flops.get_total_flops()


@pytest.mark.parametrize("number", few((n for n in TABLE if n not in LONG), 9))
def test_full_output_and_flops(number):
    check_output_and_flops(number)


@pytest.mark.slow
@pytest.mark.parametrize("number", LONG)
def test_full_output_and_flops_of_long_ones(number):
    check_output_and_flops(number)


@pytest.mark.parametrize("number", few(TABLE, 9))
def test_v0_form(number):
    init, shapes, output_shape = V0.get(number, TABLE[number][:3])
    task = reference(number, "v0")
    module, inputs = on_meta(task)
    assert task.init_args(0) == init
    assert [tuple(x.shape) for x in inputs] == shapes
    if number not in LONG:
        with torch.no_grad():
            assert tuple(module(*inputs).shape) == output_shape


@pytest.mark.slow
@pytest.mark.parametrize("number", LONG)
def test_v0_output_of_long_ones(number):
    module, inputs = on_meta(reference(number, "v0"))
    with torch.no_grad():
        assert tuple(module(*inputs).shape) == V0.get(number, TABLE[number][:3])[2]


@pytest.mark.parametrize("number", [4, 34, 47])
def test_inputs_are_uniform_today_and_normal_in_v0(number):
    assert all(x.min() >= 0 and x.max() < 1 for x in reference(number, "small").inputs(0))
    assert all(x.min() < 0 for x in reference(number, "v0").inputs(0))


@pytest.mark.parametrize("number", few(TABLE, 12))
def test_small_changes_only_what_the_rule_may_change(number):
    text = bundled()[f"kernelbench:3/{number}"].text
    assert sizes(text) == ("full", "small", "v0")
    allowed = {"BATCH", "RESOLUTION", "IMAGE_SIZE", "SEQUENCE"} | (
        {"HEIGHT", "WIDTH"} if number == 45 else set()
    )
    if number in WIDTHS:
        allowed |= {"IN_FEATURES", "HIDDEN", "OUT_FEATURES"}
    assert set(overrides(text, "small", None)) <= allowed
    module, inputs = on_meta(reference(number, "small"))
    full, _ = on_meta(reference(number))
    assert [n for n, _ in module.named_parameters()] == [n for n, _ in full.named_parameters()]
    if number not in (*WIDTHS, *BATCHED):
        assert all(a.shape == b.shape for a, b in zip(module.parameters(), full.parameters(), strict=True))
    assert inputs[0].shape[1 if number in SEQUENCE_FIRST else 0] >= 2


# the traps


def test_35_draws_state_inside_forward_and_forgets_it():
    task = reference(35, "small")
    module, x = task.build(0), task.inputs(0)[0][:2, :256]
    before = torch.get_rng_state()
    first = run(module, x)
    assert not torch.equal(torch.get_rng_state(), before)
    torch.set_rng_state(before)
    assert torch.equal(run(module, x), first)
    assert torch.allclose(run(module, x), first, atol=1e-5)


def test_34_v0_keeps_its_state_on_the_module():
    task = reference(34, "v0")
    module, (x,) = task.build(0), task.inputs(0)
    assert "state" not in module.state_dict()
    first, second = run(module, x), run(module, x)
    assert not torch.equal(first, second)
    again = task.build(0)
    assert torch.equal(run(again, x), first) and torch.equal(again.state, first)


@pytest.mark.slow
def test_28_is_blind_and_its_variant_is_not():
    for variant, blind in ((None, True), ("batchfirst", False)):
        task = reference(28, "small", variant)
        module, (x,) = task.build(0), task.inputs(0)
        assert torch.equal(run(module, x), run(module, torch.zeros_like(x))) == blind


def test_3_is_blind_and_its_variant_is_not():
    for variant, blind in ((None, True), ("he", False)):
        task = reference(3, "small", variant)
        module, x = task.build(0), task.inputs(0)[0][:4]
        moved = (run(module, x) - run(module, torch.zeros_like(x))).abs().max()
        assert (moved < 1e-5) == blind


def test_47_and_8_and_13_change_running_statistics():
    for number, name in ((47, "norm.running_mean"), (8, "bn1.running_mean"), (13, "norm.running_mean")):
        task = reference(number, "v0" if number == 47 else "small")
        module, inputs = task.build(0), [x[:2] for x in task.inputs(0)]
        before = module.state_dict()[name].clone()
        run(module, *inputs)
        assert not torch.equal(module.state_dict()[name], before)


def test_50_owns_parameters_it_does_not_read():
    task = reference(50, "small")
    module, x = task.build(0), task.inputs(0)[0][:1, :64]
    before = run(module, x)
    torch.nn.init.zeros_(module.c_proj.weight)
    assert torch.equal(run(module, x), before)


@pytest.mark.parametrize("number", [43, 44, 50])
def test_causal_attention_does_not_look_ahead(number):
    task = reference(number, "small")
    module, x = task.build(0), task.inputs(0)[0][:1, :32]
    changed = x.clone()
    changed[:, 20:] += torch.rand(changed[:, 20:].shape)
    assert torch.allclose(run(module, x)[:, :20], run(module, changed)[:, :20], atol=1e-5)
    assert not torch.allclose(run(module, x)[:, 20:], run(module, changed)[:, 20:], atol=1e-3)


def test_variants_are_the_promised_ones():
    he = {f"kernelbench:3/{n}": ("he",) for n in (3, 7, 11, 12, 18)}
    others = {"kernelbench:3/24": ("excite",), "kernelbench:3/28": ("batchfirst",)}
    assert {n: variants(t.text) for n, t in bundled().items() if variants(t.text)} == he | others

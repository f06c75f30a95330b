"""What is timed as a first launch: the sources compile without a device, and a wrong value is no figure."""

import pytest
import torch

from benchmarks.gpu import first_launch
from kernelevo.backends.nvrtc import compile_cubin
from kernelevo.backends.triton import compile_source


def host(number: int, x: torch.Tensor) -> torch.Tensor:
    return x * float(number)


def test_each_call_is_a_new_source_and_the_first_does_not_count() -> None:
    seen = []

    def launch(number: int, x: torch.Tensor) -> torch.Tensor:
        seen.append(number)
        return host(number, x)

    found = first_launch.measured(launch, 4, device="cpu", wait=lambda: None)
    assert len(seen) == len({*seen}) == 5 and all(float(torch.tensor(float(n))) == n for n in seen)
    assert 0 < found["least_s"] <= found["p50_s"] <= found["most_s"]


def test_a_wrong_value_is_no_figure() -> None:
    with pytest.raises(AssertionError, match="does not multiply"):
        first_launch.measured(lambda n, x: host(n, x) + 1e-3, 2, device="cpu", wait=lambda: None)


@pytest.mark.parametrize("arch", ["sm_80", "sm_90", "sm_100"])
def test_its_sources_compile(arch, tmp_path) -> None:
    number = "1000003"
    assert "scaled" in compile_cubin(first_launch.NVRTC.replace("NUMBER", f"{number}."), arch=arch).usage()
    text = first_launch.TRITON.replace("NUMBER", f"{number}.0").replace(
        "tl.constexpr)", "tl.constexpr = 256)"
    )
    assert compile_source(text, tmp_path, arch=arch)

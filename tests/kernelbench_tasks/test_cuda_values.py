"""CUDA solutions on the CPU: their very text, compiled for the host, gives the module's values."""

import copy

import pytest
import torch

from kernelevo.tasks import bundled
from kernelevo.tasks.library import solutions
from tests.cuda_on_host.host import HostCuda
from tests.kernelbench_tasks.solution_values import load

# batch, length, heads, channels of a head, numbers of a state, chunk
SIZES = [(3, 24, 2, 64, 16, 8), (2, 8, 3, 128, 16, 4)]
SCANS = [("kernelbench:3/48", "scan"), ("kernelbench:3/49", "backward_scan")]


@pytest.fixture(params=SCANS, ids=lambda scan: scan[1])
def scan(request):
    """The task's module and a solution's."""
    name, stem = request.param
    (path,) = [p for p in solutions("cuda")[name] if p.stem == stem]
    return load(bundled()[name].path), load(path)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("warps", [1, 4])
@pytest.mark.parametrize(("sizes", "channels"), [(SIZES[0], 2), (SIZES[0], 1), (SIZES[1], 2), (SIZES[1], 1)])
def test_a_scan_has_the_modules_values(scan, sizes, channels, warps, backwards, monkeypatch):
    task, solution = scan
    torch.manual_seed(1)
    plain = task.Model(*sizes)
    host = HostCuda(solution.SOURCE, backwards=backwards)
    monkeypatch.setattr(solution, "library", host)
    monkeypatch.setattr(solution, "MANY", 0 if channels == 2 else 1 << 30)
    monkeypatch.setattr(solution, "TUNE", {"WARPS": [warps], "FEW_WARPS": [warps]})
    monkeypatch.setattr(solution.ModelNew, "fits", lambda self, x: True)
    ours = solution.ModelNew(*sizes)
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(*sizes[:4])
    with torch.no_grad():
        found, own, exact = ours(x), plain(x), copy.deepcopy(plain).double()(x.double())
    (launched,) = host.launches
    assert launched[0].endswith("pairs" if channels == 2 else "singles")
    assert found.shape == exact.shape
    least = 4 * float((own - exact).abs().max())
    assert bool(((found - exact).abs() <= (1e-5 + 1e-5 * exact.abs()).clamp(min=least)).all())


def test_where_a_scan_does_not_fit_it_computes_step_by_step(scan):
    task, solution = scan
    for sizes in ((2, 12, 2, 64, 16, 4), (2, 8, 1, 24, 16, 8), (1, 16, 2, 64, 8, 8)):
        torch.manual_seed(2)
        plain = task.Model(*sizes).double()
        ours = solution.ModelNew(*sizes).double()
        ours.load_state_dict(plain.state_dict())
        x = torch.randn(*sizes[:4], dtype=torch.float64)
        assert not ours.fits(x)
        with torch.no_grad():
            torch.testing.assert_close(ours(x), plain(x), rtol=1e-9, atol=1e-9)

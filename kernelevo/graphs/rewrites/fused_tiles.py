"""Fused tiles: the regions of fused rows as Triton kernels, each a tile of rows per program."""

from __future__ import annotations

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.rewrites.fused_rows import put_region
from kernelevo.graphs.rows import operations
from kernelevo.graphs.rows.regions import Region, Target, regions
from kernelevo.graphs.tiles.channel_norms import spread_norms
from kernelevo.graphs.tiles.code import tiled
from kernelevo.graphs.tiles.kernel import FAR, WHOLE
from kernelevo.graphs.tiles.steps import understood
from kernelevo.graphs.tiles.views import seen
from kernelevo.graphs.tiles.window import is_cheap

FEW = 64  # rows; sums along fewer rows that are long leave most of a GPU idle, and ATen cuts such rows up
MANY = 24  # tensors that a kernel reads and writes; every pointer takes registers of each thread


class FusedRowsGpu:
    """Regions of elementwise operations around normalisations and sums of rows, one kernel for each.

    A program computes some rows, or a piece of one where nothing is summed along it, in registers. Batch
    and group normalisation take part: of batch normalisation in training only the moments stay a step of
    their own. Every region saves launches and passes over memory, however small it is. Needs fp32.
    """

    name = "fused-rows-gpu"
    describes = "elementwise chains with norms, softmax, sums or pooling in one Triton kernel each"
    devices = frozenset({"cuda"})

    def apply(self, captured: Captured) -> int:
        """Replace each region of two launches and more."""
        spread_norms(captured)
        places = 0
        now: dict[fx.Node, fx.Node] = {}  # outputs of regions already replaced, which later ones read
        for region in regions(captured.graph, TARGET):
            if _launches(region) > 1:
                now.update(put_region(captured, region, now, tiled))
                places += 1
        return places


def _launches(region: Region) -> int:
    """Return how many kernels PyTorch runs for a region at least."""
    return sum(not operations.expands(node) for node in region.nodes)


def _fits(region: Region) -> bool:
    laid = region.layout
    if len(seen(region.operands)[1]) + len(region.outputs) > MANY:
        return False
    if region.window is not None:
        return is_cheap(region.window)
    if any(operations.reduced(node) for node in region.nodes):
        return laid.inner <= WHOLE or (laid.rows >= FEW and laid.inner < FAR)
    return True


TARGET = Target(understood, narrow=True, strided=True, fits=_fits)

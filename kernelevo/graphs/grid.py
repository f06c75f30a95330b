"""Grid: program text for kernels whose blocks are resident together and wait for one another."""

from __future__ import annotations

_LAUNCHING = '''
import functools


@functools.cache
def {name}_device(device):
    """Return a GPU's multiprocessors, and the bytes of shared memory that a block may have."""
    found = torch.cuda.get_device_properties(device)
    return found.multi_processor_count, found.shared_memory_per_block_optin


@functools.cache
def {name}_counters(device, stream):
    """Return the barrier of one stream."""
    return torch.zeros(4, dtype=torch.int32, device=device)


def {name}_barrier(device):
    """Return what the blocks of one launch meet by: counters that every launch leaves fit for the next.

    Launches on one stream follow one another and share theirs. A CUDA graph may be replayed on any stream,
    so it has its own, which it zeroes itself.
    """
    if torch.cuda.is_current_stream_capturing():
        return torch.zeros(4, dtype=torch.int32, device=device)
    return {name}_counters(device, torch.cuda.current_stream(device).cuda_stream)
'''


def launching(name: str) -> str:
    """Return program text that defines ``NAME_device(device)`` and ``NAME_barrier(device)``.

    The first gives (multiprocessors, bytes of shared memory per block), the second the counters that
    ``grid_barrier.cu`` counts in.
    """
    return _LAUNCHING.format(name=name)

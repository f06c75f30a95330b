"""A recorder for the CPU that behaves as a CUDA graph does: fixed memory, host values as they were."""

from __future__ import annotations

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode


class Log(TorchDispatchMode):
    """Notes every operation with the very tensors that it read and wrote; undoes its writes afterwards."""

    def __init__(self):
        super().__init__()
        self.steps, self.seen = [], {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default):
            raise RuntimeError("operation not permitted when stream is capturing")
        for leaf in pytree.tree_leaves((args, kwargs)):  # not all that write say so: batch_norm does not
            if isinstance(leaf, torch.Tensor) and id(leaf) not in self.seen:
                self.seen[id(leaf)] = (leaf, leaf.clone())
        result = func(*args, **kwargs)
        self.steps.append((func, args, kwargs, result))
        return result

    def undo(self):
        for tensor, before in self.seen.values():
            if not torch.equal(torch.nan_to_num(tensor), torch.nan_to_num(before)):
                tensor.copy_(before)

    def replay(self):
        with torch.inference_mode(False), torch.no_grad():
            for func, args, kwargs, result in self.steps:
                found = func(*args, **kwargs)
                for old, new in zip(pytree.tree_leaves(result), pytree.tree_leaves(found), strict=True):
                    if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                        old.copy_(new)


class Replaying:
    """Records operations of torch on CPU tensors; counts what was asked of it."""

    def __init__(self):
        self.runs = self.records = self.replays = 0
        self.broken = False

    def refuses(self, tensors):
        return not tensors or any(t.device.type != "cpu" for t in tensors)

    def run(self, fn):
        self.runs += 1
        return fn()

    def record(self, fn):
        self.records += 1
        if self.broken:
            raise RuntimeError("out of graphs\nfor today")
        log = Log()
        with log:
            result = fn()
        log.undo()

        def replay():
            self.replays += 1
            log.replay()

        return replay, result

    def follow(self, last, used):
        return None

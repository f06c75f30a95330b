"""Circumstances of a call in which a program's own code would do something else than the original."""

from __future__ import annotations

import torch
from torch.autograd import forward_ad
from torch.nn.modules import module as modules


def watched() -> str:
    """Say what transforms or records the operators of a call, which sees nothing of a program's own code."""
    if torch._C._get_tracing_state() is not None:
        return "a trace is being recorded"
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "a transform of torch.func is at work"
    if torch._C._len_torch_dispatch_stack():
        return "a torch dispatch mode is on"
    if modules._global_forward_hooks or modules._global_forward_pre_hooks:
        return "a forward hook of all modules would not be called"
    if forward_ad._current_level >= 0:
        return "a derivative is computed forwards"
    return ""


def autocast(kind: str) -> bool:
    """Tell whether autocast is on for a kind of device; some kinds (``meta``) know no autocast."""
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)

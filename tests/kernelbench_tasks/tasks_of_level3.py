"""Bundled level 3 tasks as the tests of this folder use them."""

import torch

from kernelevo.backends.reference import load_reference
from kernelevo.tasks import load_task


def reference(number, size="full", variant=None):
    """Load a task's reference by its number."""
    suffix = f"@{variant}" if variant else ""
    return load_reference(load_task(f"kernelbench:3/{number}{suffix}", size=size).options["reference"])


def run(module, *inputs):
    """Call a module without gradients."""
    with torch.no_grad():
        return module(*inputs)

"""Given tasks in a series: how a task that is not bundled is run, its repaired variant, and its form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kernelevo.bench.suite import HE, JUDGEABLE
from kernelevo.config import Settings
from kernelevo.errors import BadProgram
from kernelevo.tasks import bundled, load_task

FILE = "task.py"
OTHER = "other"  # the form of a task whose shapes were never published
_FORMS = ("full", "v0")
# A class of its own, since a task's class names itself in super(). Only weights of linear layers and
# convolutions are drawn anew: gains of norms, biases and embeddings stay as shipped.
_REPAIRED = '''

class RepairedModel(Model):
    """The same module with He-normal weights, so that its input reaches its output."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        import torch

        kinds = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)
        for module in self.modules():
            if isinstance(module, kinds):
                torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
'''


def place(text: str, task: str, folder: Path) -> str:
    """Write a given task into a folder and return the name under which it is loaded from there.

    The name is relative: a folder's own may hold ``@`` or ``:``, which mean something in a task's.

    Args:
        text: source of the task, unchanged.
        task: its name in the series; the variant ``@he`` is made here.
        folder: where.
    """
    variant = task.partition("@")[2]
    (folder / FILE).write_text(text + (_REPAIRED if variant == HE else ""), "utf-8")
    return f"{FILE}:RepairedModel" if variant == HE else FILE


def grade_given(name: str, settings: Settings, folder: Path, lint: Callable[..., Any] | None = None) -> str:
    """Return lint's word on a given task: ``judgeable``, ``blind`` or ``unjudgeable``.

    What was found out is kept in the folder by the task's text, size and device.

    Args:
        name: under which it is loaded from the current folder.
        settings: device and size.
        folder: where findings are kept.
        lint: who looks; ``api.lint`` if None.

    Raises:
        InputError: if the task does not run on its own inputs.
    """
    file, _, entry = name.rpartition(":") if ":" in name else (name, "", "")
    said = f"{Path(file).read_text('utf-8')}\0{entry}\0{settings.size}\0{settings.device}"
    kept = folder / f"lint-{hashlib.sha256(said.encode()).hexdigest()[:16]}.json"
    if kept.is_file():
        return str(json.loads(kept.read_text("utf-8"))["grade"])
    from kernelevo import api

    found = (lint or api.lint)(name, settings).finding
    grade = "unjudgeable" if found.unjudgeable else "blind" if found.blind else JUDGEABLE
    beside = kept.with_suffix(".tmp")
    beside.write_text(json.dumps({"grade": grade, "passes": list(found.blind)}), "utf-8")
    beside.replace(kept)
    return grade


def form_of(name: str, task: str, settings: Settings) -> str | None:
    """Return in which published form a given task is: ``full`` (today's), ``v0`` (the first) or ``other``.

    The shapes of its inputs and the arguments of its constructor say it, compared with those of the bundled
    task of that number. Where both forms have the same ones it is ``full``.

    Args:
        name: under which it is loaded from the current folder.
        task: its name in the series.
        settings: device and size.

    Returns:
        None where no task of that number is bundled.

    Raises:
        InputError: if the task cannot be loaded, or draws no inputs.
    """
    ours = task.partition("@")[0]
    if ours not in bundled():
        return None
    seen = _shapes(name, settings.size, settings.device)
    return next((form for form in _FORMS if _shapes(ours, form, settings.device) == seen), OTHER)


def _shapes(name: str, size: str | None, device: str) -> tuple[list[Any], list[Any]]:
    """Return what a task's constructor takes and what its forward takes, a tensor by shape and type."""
    import torch
    from torch.utils._pytree import tree_leaves

    from kernelevo.backends.reference import load_reference

    def plain(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return tuple(value.shape), value.dtype
        return value if isinstance(value, int | float | str | None) else type(value).__qualname__

    reference = load_reference(load_task(name, size=size, device=device).options["reference"])
    try:
        with torch.device("meta"):
            inputs = reference.inputs(0)
    except BadProgram:  # a draw that needs values
        inputs = reference.inputs(0)
    arguments = [*reference.init_args(0), *reference.init_kwargs(0).values()]
    return [plain(leaf) for leaf in tree_leaves(arguments)], [plain(leaf) for leaf in tree_leaves(inputs)]

"""Exporting: a module as torch.export's graph, with the bodies of its ``with`` regions in place."""

from __future__ import annotations

import keyword
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import fx, nn

from kernelevo.errors import CaptureError
from kernelevo.graphs.execution import Call
from kernelevo.graphs.padding import number_paddings

# what torch.export says of branches and sizes that follow from values
_BY_VALUE = ("data-dependent", "datadependent", "data dependent", "dynamic control flow")


def exported(module: nn.Module, call: Call) -> tuple[fx.GraphModule, dict[str, torch.Tensor]]:
    """Export undecomposed; return the graph without guards, and tensors that are no parameter or buffer.

    Raises:
        CaptureError: if torch.export cannot.
    """
    reasons = []
    for strict in (False, True):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                program = torch.export.export(module, call.args, dict(call.kwargs), strict=strict)
                gm = program.module()
            break
        except Exception as error:  # torch.export raises a dozen unrelated classes
            said = str(error).strip() or "(it says no more)"  # a bare assert has no words
            reasons.append(f"{type(error).__name__}: {said.splitlines()[0][:300]}")
    else:
        raise CaptureError(
            f"{type(module).__name__} cannot be captured as one graph",
            why="torch.export said: " + reasons[0],
            now=_advice(module, reasons),
        )
    assert isinstance(gm, fx.GraphModule)
    for node in reversed(list(gm.graph.nodes)):
        if node.op == "call_module" or (node.op == "get_attr" and not node.users):
            gm.graph.erase_node(node)
    _inline_scopes(gm)
    number_paddings(gm)
    constants: dict[str, torch.Tensor] = {}
    for node in gm.graph.nodes:
        if node.op == "get_attr":
            value = _attribute(gm, node.target)
            if isinstance(value, torch.Tensor):
                constants[node.target] = value
    gm.graph.lint()
    gm.recompile()
    return gm, constants


def _advice(module: nn.Module, reasons: Sequence[str]) -> str:
    """Return what to do about what torch.export said, as far as its words tell."""
    for name, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            return f"put the original in the place of {name!r}, a traced or scripted module"
    words = _keywords(module) if any(reason.startswith("SyntaxError") for reason in reasons) else ""
    if words:
        return f"a submodule's or parameter's name is a Python keyword ({words}); rename it"
    if any(word in reason.lower() for reason in reasons for word in _BY_VALUE):
        return "remove control flow that depends on tensor values, or optimise a submodule"
    return "leave out of forward what torch.export does not know, or optimise a submodule without it"


def _keywords(module: nn.Module) -> str:
    """Return the keywords among the names of a module's parts."""
    names = [*dict(module.named_modules()), *dict(module.named_parameters()), *dict(module.named_buffers())]
    parts = dict.fromkeys(part for name in names for part in name.split("."))
    return ", ".join(part for part in parts if keyword.iskeyword(part))


def _attribute(module: nn.Module, name: str) -> Any:
    value: Any = module
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _inline_scopes(gm: fx.GraphModule) -> None:
    """Replace regions that change nothing by their bodies, those within them too.

    Programs run without gradients and without autocast anyway.
    """
    found = True
    while found:
        found = False
        for node in list(gm.graph.nodes):
            if (at := _body_place(node)) is not None:
                _inline(gm, node, at)
                found = True


def _body_place(node: fx.Node) -> int | None:
    """Return which argument of a region is its body, before its values; None if it is to stay."""
    name = getattr(node.target, "__name__", "") if node.op == "call_function" else ""
    if name == "wrap_with_set_grad_enabled":
        return 1
    if name == "wrap_with_autocast" and node.args[2] is False:
        return 4
    return None


def _inline(gm: fx.GraphModule, node: fx.Node, at: int) -> None:
    scope = node.args[at]
    assert isinstance(scope, fx.Node)
    body = _attribute(gm, str(scope.target))
    copies = dict(zip(body.graph.find_nodes(op="placeholder"), node.args[at + 1 :], strict=True))
    with gm.graph.inserting_before(node):
        result = gm.graph.graph_copy(body.graph, copies)
    for inner in body.graph.find_nodes(op="get_attr"):
        if "." not in inner.target:
            copies[inner].target = _held(gm, inner.target, getattr(body, inner.target))
    results: Any = result if isinstance(result, (tuple, list)) else (result,)
    for user in list(node.users):
        user.replace_all_uses_with(results[user.args[1]])
        gm.graph.erase_node(user)
    gm.graph.erase_node(node)
    if not scope.users:
        gm.graph.erase_node(scope)


def _held(gm: fx.GraphModule, name: str, value: Any) -> str:
    """Return under which name ``gm`` holds a value: every body counts its own parts from one."""
    free, number = name, 0
    while (there := getattr(gm, free, None)) is not None and there is not value:
        number += 1
        free = f"{name}_in_{number}"
    setattr(gm, free, value)
    return free

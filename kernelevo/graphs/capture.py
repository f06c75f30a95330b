"""Capture: a module as one graph of ATen calls, with its state, proven equal to the module."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import torch
from torch import fx, nn
from torch.utils import _pytree as pytree

from kernelevo.errors import CaptureError
from kernelevo.graphs.check import Reference, compare
from kernelevo.graphs.copying import copied_module
from kernelevo.graphs.execution import TURN, Call, Oracle, Outcome, copied, observe, overlaps, record
from kernelevo.graphs.exporting import exported
from kernelevo.graphs.skeleton import Skeleton, attach, skeleton_of
from kernelevo.graphs.snippet import TUNE, Snippet, merged
from kernelevo.graphs.spelling import BOUND
from kernelevo.graphs.structure import literal, paths

_STATEFUL = "it keeps state outside its buffers: forward changes a tensor or number in a plain attribute"


@dataclass
class Captured:
    """A module as one graph; the only mutable noun here, since rewrites edit ``gm.graph`` in place.

    Args:
        gm: the graph; ``gm(*inputs, **kwargs)`` works and returns the module's output structure.
        skeleton: every tensor the module owns, used by the graph or not.
        root: plain nested modules that hold those tensors; the graph's buffers are these very objects.
        calls: two calls (the given inputs, and others) on which rewrites are checked.
        signature: names of forward's parameters, one per positional and keyword argument.
        training: mode the module was captured in; the graph is specialised to it.
        reference: what the original does on ``calls``.
        mode_matters: whether train and eval mode of the original differ on ``calls``.
        snippets: text that the graph's non-ATen nodes come from, by snippet name.
        initial: values of the buffers at capture.
        graphed: whether its program records the forward as a CUDA graph.
    """

    gm: fx.GraphModule
    skeleton: Skeleton
    root: nn.Module
    calls: tuple[Call, Call]
    signature: tuple[str, ...]
    training: bool
    reference: Reference
    initial: Mapping[str, torch.Tensor]
    mode_matters: bool = True
    snippets: dict[str, Snippet] = field(default_factory=dict)
    graphed: bool = False

    @property
    def inputs(self) -> tuple[Any, ...]:
        """Positional arguments of the first call."""
        return self.calls[0].args

    @property
    def graph(self) -> fx.Graph:
        """The graph that rewrites edit."""
        return self.gm.graph

    @property
    def in_spec(self) -> pytree.TreeSpec:
        """Structure of the arguments: a pair of positional ones and keyword ones."""
        return _spec(self.gm._in_spec)

    @property
    def out_spec(self) -> pytree.TreeSpec:
        """Structure of the result."""
        return _spec(self.gm._out_spec)

    def copy(self) -> Captured:
        """Return a capture with its own graph that shares state and reference with this one."""
        twin = copy.copy(self)
        twin.gm = fx.GraphModule(self.gm, copied(self.gm.graph))
        twin.gm.train(self.training)
        twin.snippets = dict(self.snippets)
        return twin

    def reset(self) -> None:
        """Set the buffers back to their values at capture; nobody can write to one that overlaps itself."""
        with TURN, torch.no_grad():
            for name, buffer in self.root.named_buffers(remove_duplicate=False):
                if not overlaps(buffer):
                    buffer.copy_(self.initial[name])

    def observe(self) -> Outcome:
        """Run the two calls from the state at capture and report what they left; the state is reset."""
        with TURN:  # copies share their buffers, and a harvest is checked while rewrites are
            self.reset()
            outcome = observe(self.gm, self.calls, self.root)
            self.reset()
        return outcome

    def annotate(self) -> None:
        """Recompute ``meta["val"]`` of every node by one real run; the state is reset."""
        with TURN:
            record(self.gm, self.calls[0])
            self.reset()

    def mismatch(self) -> str:
        """Return how the graph differs from the original module, or an empty string."""
        return self.reference.mismatch(self.observe())

    def add_snippet(self, snippet: Snippet) -> None:
        """Make ``snippet`` part of the program.

        Raises:
            ValueError: if another snippet has its name and other text, binds one of its names or gives one
                of its ``TUNE`` entries other choices; or if its text binds ``TUNE`` itself.
        """
        if TUNE in snippet.defines():
            raise ValueError(f"snippet {snippet.name!r} has a {TUNE} of its own: give it as tune=")
        for other in self.snippets.values():
            if other == snippet:
                return
            if other.name == snippet.name:
                raise ValueError(f"two snippets named {snippet.name!r} with different text")
            both = other.defines() & snippet.defines()
            if both:
                raise ValueError(f"snippets {other.name!r} and {snippet.name!r} both define {sorted(both)}")
        merged([*self.snippets.values(), snippet])
        self.snippets[snippet.name] = snippet

    def attribute(self, name: str) -> fx.Node:
        """Return the ``get_attr`` node of a tensor of the skeleton, made at the graph's start if missing."""
        for node in self.graph.nodes:
            if node.op == "get_attr" and node.target == name:
                return node  # type: ignore[no-any-return]
        entry = self.skeleton.by_name[name]
        parent, leaf = attach(self.gm, name)
        setattr(parent, leaf, entry.tensor)
        first = next(iter(self.graph.nodes))
        with self.graph.inserting_before(first):
            made = self.graph.get_attr(name)
        made.meta["buffer"] = entry.kind == "buffer"
        made.meta["val"] = entry.tensor.detach()
        return made


def capture(
    module: nn.Module,
    inputs: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    others: Call | None = None,
) -> Captured:
    """Capture ``module`` in the mode it is in; the module itself is left untouched.

    Args:
        module: any module whose forward is one graph for these shapes.
        inputs: positional arguments of one call.
        kwargs: keyword arguments of that call.
        others: a second call of equal shapes; default: the same values in another order.

    Raises:
        CaptureError: if the module cannot be copied or exported, keeps state outside its buffers, or
            returns something that is not made of tuples, lists, dicts and tensors.
    """
    named = _signature(module, tuple(inputs), dict(kwargs or {}))
    call = Call(tuple(inputs), dict(kwargs or {})).map(lambda t: t.detach())
    calls = (call, others or call.shuffled(1))
    plain = _eager(module, calls)
    if others is None and plain is None:
        calls = (call, call)
        plain = _eager(module, calls)
    if plain is None:
        raise CaptureError(
            f"{type(module).__name__} does not run on these inputs",
            now="call module(*inputs) yourself; it must work before it can be captured",
        )
    own = _copied(module)
    gm, constants = exported(own, call)
    paths(_spec(gm._in_spec), "x")
    literal(_spec(gm._out_spec), repeat("y"))
    skeleton = skeleton_of(own, constants)
    root = skeleton.tree()
    flat = fx.GraphModule(gm, copied(gm.graph))
    flat.train(module.training)
    initial = {n: b.detach().clone() for n, b in root.named_buffers(remove_duplicate=False)}
    reference = Reference(plain, None)
    captured = Captured(flat, skeleton, root, calls, named, module.training, reference, initial)
    _adopt(captured)
    _prove(captured, plain, type(module).__name__)
    captured.reference = Reference(plain, _oracle(captured))
    captured.mode_matters = _mode_matters(module, captured)
    captured.annotate()
    return captured


def _mode_matters(module: nn.Module, captured: Captured) -> bool:
    """Tell whether the module does something else in its other mode."""
    other = _copied(module).train(not module.training)
    try:
        return bool(captured.reference.mismatch(observe(other, captured.calls)))
    except Exception:  # whatever the other mode asks for and these inputs do not give, targets for a loss
        return True


def _spec(found: Any) -> pytree.TreeSpec:
    assert isinstance(found, pytree.TreeSpec)
    return found


def _signature(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, ...]:
    """Return one parameter name per argument, as forward calls them where a program may call them so."""
    original = "give the original module, which torch.export can read"
    if isinstance(module, torch.jit.ScriptModule):
        raise CaptureError("a traced or scripted module cannot be captured", now=original)
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError) as error:  # a forward that is no function of Python's
        raise CaptureError(
            f"{type(module).__name__}.forward has no signature", why=str(error), now=original
        ) from error
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}_{i}" for i in range(len(args) - len(names))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(f"{parameter.name}_" if parameter.name in BOUND else parameter.name)
    return (*names[: len(args)], *kwargs)


def _copied(module: nn.Module) -> nn.Module:
    try:
        return copied_module(module)
    except Exception as error:
        raise CaptureError(
            f"{type(module).__name__} cannot be copied",
            why=f"copy.deepcopy said: {error}",
            now="keep tensors with a gradient history and open handles out of the module's attributes",
        ) from error


def _eager(module: nn.Module, calls: Sequence[Call]) -> Outcome | None:
    """Run the calls on a copy; None if one of them raises."""
    own = _copied(module)
    before = {name: p._version for name, p in own.named_parameters()}
    try:
        outcome = observe(own, calls)
    except Exception:  # a forward raises what its author likes
        return None
    for name, parameter in own.named_parameters():
        if parameter._version != before.get(name, 0):
            raise CaptureError(
                f"{type(module).__name__}.forward writes to its parameter {name!r}",
                why="a program may change buffers, never parameters",
                now="make it a buffer",
            )
    return outcome


def _adopt(captured: Captured) -> None:
    """Make the graph's attributes the very tensors of the root (constants become buffers there)."""
    for node in captured.graph.nodes:
        if node.op != "get_attr":
            continue
        if node.target not in captured.skeleton.by_name:
            raise CaptureError(
                "the graph holds a nested graph",
                why=f"node {node.name}: cond, while_loop, scan and enabled autocast are not supported",
                now="optimise a submodule without them",
            )
        parent, leaf = attach(captured.gm, node.target)
        if isinstance(getattr(parent, leaf, None), torch.Tensor):
            delattr(parent, leaf)
        entry = captured.skeleton.by_name[node.target]
        node.meta["buffer"] = entry.kind == "buffer"
        if entry.kind == "parameter":
            setattr(parent, leaf, entry.tensor)
        else:
            parent.register_buffer(leaf, entry.tensor)
    for node in captured.graph.nodes:
        if isinstance(node.target, torch._ops.HigherOrderOperator):
            raise CaptureError(
                f"the graph calls {node.target}",
                why="control flow operators are not supported",
                now="optimise a submodule without it",
            )


def _prove(captured: Captured, plain: Outcome, name: str) -> None:
    """Raise unless the graph does on both calls what the module did."""
    found = captured.observe()
    for index in range(len(plain.outputs)):
        if len(plain.outputs[index]) != len(found.outputs[index]):
            raise CaptureError(f"{name} returns another structure when captured")
        for mine, theirs in zip(found.outputs[index], plain.outputs[index], strict=True):
            if compare([mine], [theirs], [theirs]):
                raise CaptureError(
                    f"call {index + 1} of {name} gives other values when captured",
                    why=_STATEFUL if index else "torch.export did not trace what forward does",
                    now="register that state as a buffer and update it in place (copy_), "
                    "or optimise a submodule",
                )
    said = Reference(plain, None).mismatch(found)
    if said:
        raise CaptureError(
            f"{name} leaves other state behind when captured",
            why=said,
            now="update buffers in place (copy_, add_), never by assignment",
        )


def _oracle(captured: Captured) -> Outcome | None:
    """Return what the graph does in fp64, or None where an operation has no fp64 form."""
    twin = Oracle(captured.gm)
    try:
        return observe(twin, captured.calls)
    except Exception:  # operators refuse dtypes in ways of their own
        return None

"""Dispatch: one module captured for several kinds of calls, and one program that tells them apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from kernelevo.errors import CaptureError
from kernelevo.graphs.capture import Captured, capture
from kernelevo.graphs.namespace import Namespace, unused
from kernelevo.graphs.printing import WIDTH, assemble, attributes, class_head, method, print_program
from kernelevo.graphs.skeleton import Entry
from kernelevo.graphs.spelling import Speller
from kernelevo.graphs.structure import children, definitions, paths


def capture_each(module: nn.Module, sets: Iterable[Sequence[Any]]) -> tuple[Captured, ...]:
    """Capture a module once for each kind of call among its input sets, in their order.

    Sets are of one kind where the nesting, the shapes, dtypes and strides of their tensors and their other
    values agree: graphs are specialised to these, not to the values of tensors.

    Args:
        module: the module, in the mode it is to be captured in.
        sets: positional arguments of one call each; at least one.

    Raises:
        CaptureError: as :func:`kernelevo.graphs.capture.capture`; or if sets of as many arguments are
            nested in different ways.
    """
    found: dict[str, Captured] = {}
    for inputs in sets:
        kind = _kind(inputs)
        if kind not in found:
            found[kind] = capture(module, inputs)
    made = tuple(found.values())
    for one in made:
        if any(_width(one) == _width(other) and one.in_spec != other.in_spec for other in made):
            raise CaptureError(
                f"the input sets of {type(module).__name__} are nested in different ways",
                why="a program tells calls apart by shapes, numbers and how many arguments there are",
                now="optimise the module for each nesting by itself",
            )
    return made


def print_dispatch(captures: Sequence[Captured], *, header: str = "") -> str:
    """Return a program that does what the graph for its inputs' shapes does.

    Its ``forward`` compares shapes, and dtypes, strides and other values where the captures differ in
    them, then calls one method for each capture; the methods share parameters, buffers and snippets. For
    any other input it raises a ``ValueError`` that names what it is for. One capture alone is printed as
    ``print_program`` does, without a test.

    Args:
        captures: captures of one module, rewritten or not; see :func:`capture_each`.
        header: what the docstring of the file says.

    Raises:
        CaptureError, ValueError: as ``print_program``; ValueError if snippets cannot be told apart.
    """
    if len(captures) == 1:
        return print_program(captures[0], header=header)
    space, entries = Namespace(), list(captures[0].skeleton.entries)
    twins = [_with_own_constants(captured, entries) for captured in captures]
    renamed = [space.admit(twin.snippets.values()) for twin in twins]
    stem = "run_form"
    while any(entry.name.startswith(stem) for entry in entries):
        stem += "_"
    methods = ["\n".join(_forward(captures, stem))]
    for number, (twin, names) in enumerate(zip(twins, renamed, strict=True)):
        twin.snippets = space.whole()  # no local name may hide what any method calls
        methods.append("\n".join(method(twin, f"{stem}_{number}", names)))
    head = class_head(
        entries,
        frozenset[str]().union(*map(attributes, twins)),
        evaluated=any(c.mode_matters and not c.training for c in captures),
    )
    kinds = {name: text for twin in twins for name, text in definitions(twin.out_spec).items()}
    return assemble(header, kinds.values(), space.whole().values(), head, "\n\n".join(methods))


def _kind(inputs: Sequence[Any]) -> str:
    leaves, spec = pytree.tree_flatten(tuple(inputs))
    return f"{spec} {[_form(leaf) for leaf in leaves]}"


def _form(leaf: Any) -> tuple[Any, ...]:
    if isinstance(leaf, torch.Tensor):
        return "tensor", tuple(leaf.shape), leaf.dtype, leaf.stride()
    return "value", leaf


def _width(captured: Captured) -> int:
    return len(captured.inputs)


def _with_own_constants(captured: Captured, entries: list[Entry]) -> Captured:
    """Return a copy for printing; its constants join ``entries``, renamed where others have their names."""
    twin = captured.copy()
    known = {entry.name: entry for entry in entries}
    moved: dict[str, str] = {}
    for entry in captured.skeleton.entries:
        other = known.get(entry.name)
        if other is None or not (entry.kind != "constant" or _same(entry.tensor, other.tensor)):
            name = unused(entry.name, known) if other else entry.name
            alias = moved.get(entry.alias, entry.alias) if entry.alias else None
            known[name] = dataclasses.replace(entry, name=name, alias=alias)
            entries.append(known[name])
            moved[entry.name] = name
    for node in twin.graph.nodes:
        if node.op == "get_attr":
            node.target = moved.get(str(node.target), node.target)
    return twin


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one is other or (
        one.shape == other.shape and one.dtype == other.dtype and bool(torch.equal(one, other))
    )


def _forward(captures: Sequence[Captured], stem: str) -> Iterator[str]:
    """Yield the lines of forward: a test and a call for each capture, then the refusal."""
    one = captures[0].signature
    named = all(captured.signature == one for captured in captures)
    yield f"    def forward(self, {', '.join(one) if named else '*args'}):"
    for number, captured in enumerate(captures):
        tests = list(_tests(captured, captures, named))
        line = f"        if {' and '.join(tests)}:"
        if len(line) <= WIDTH:
            yield line
        else:
            yield "        if ("
            yield from (f"            {'and ' * bool(i)}{test}" for i, test in enumerate(tests))
            yield "        ):"
        yield f"            return self.{stem}_{number}({', '.join(one) if named else '*args'})"
    yield "        raise ValueError("
    yield '            "this program is for these inputs only: "'
    for number, captured in enumerate(captures):
        end = "; " if number + 1 < len(captures) else ""
        yield f"            {_described(captured, named) + end!r}"
    if all(child.is_leaf() for c in captures for child in _arguments(c)):
        given = f"({', '.join(one)},)" if named else "args"
        yield f"            f\"; got {{[getattr(a, 'shape', a) for a in {given}]}}\""
    yield "        )"


def _arguments(captured: Captured) -> list[pytree.TreeSpec]:
    return children(children(captured.in_spec)[0])


def _accessors(captured: Captured, named: bool) -> list[str]:
    """Return one expression for each leaf of the arguments."""
    names = captured.signature if named else [f"args[{i}]" for i in range(_width(captured))]
    return [p for spec, name in zip(_arguments(captured), names, strict=True) for p in paths(spec, name)]


def _tests(captured: Captured, captures: Sequence[Captured], named: bool) -> Iterator[str]:
    """Yield expressions that are all true for this capture's inputs, and not for another's."""
    alike = [other for other in captures if _width(other) == _width(captured)]
    if not named:
        yield f"len(args) == {_width(captured)}"
    for place, name in enumerate(_accessors(captured, named)):
        forms = [_form(other.calls[0].leaves()[place]) for other in alike]
        form = _form(captured.calls[0].leaves()[place])
        mixed = len({f[0] for f in forms}) > 1
        if form[0] == "value":
            if mixed and form[1] is not None:
                yield f"not isinstance({name}, torch.Tensor)"
            same = Speller({}, "").value(form[1])  # infinity has no name there
            yield f"{name} is None" if form[1] is None else f"{name} == {same}"
            continue
        if mixed or not named:
            yield f"isinstance({name}, torch.Tensor)"
        yield f"{name}.shape == {form[1]}"
        tensors = [f for f in forms if f[0] == "tensor"]
        if any(f[2] != form[2] for f in tensors):
            yield f"{name}.dtype is {form[2]}"
        if any(f[1] == form[1] and f[3] != form[3] for f in tensors):
            yield f"{name}.stride() == {form[3]}"


def _described(captured: Captured, named: bool) -> str:
    """Return the inputs of a capture in words, e.g. ``x (4, 32), n = 3``."""
    words = []
    for name, leaf in zip(_accessors(captured, named), captured.calls[0].leaves(), strict=True):
        form = _form(leaf)
        words.append(f"{name} {form[1]}" if form[0] == "tensor" else f"{name} = {form[1]!r}")
    return ", ".join(words)

"""OpaqueCalls: calls that a compiler must keep whole, dressed as custom operators while it runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Interpreter, Node

from kernelevo.errors import CaptureError
from kernelevo.graphs.execution import TURN
from kernelevo.graphs.spelling import Speller

NAMESPACE = "kernelevo_opaque"
_KEPT_WHOLE = frozenset({"aten::lstm", "aten::gru", "aten::rnn_tanh", "aten::rnn_relu"})
_serial = itertools.count()


class HarvestError(CaptureError):
    """A module, or a construct in generated code, that cannot be turned into a program of its own."""


@dataclass(frozen=True)
class OpaqueCall:
    """One call kept whole.

    Args:
        name: name of the Python function in the program and of the operator while compiling.
        text: definition of that function; its arguments are the tensors, all else is written into it.
    """

    name: str
    text: str


def is_opaque(node: Node) -> bool:
    """Whether a node must not be looked into: a plain Python function, or a recurrent layer.

    ATen's recurrent operators are kept because decomposing them unrolls the time loop.
    """
    if node.op != "call_function":
        return False
    if isinstance(node.target, torch._ops.OpOverload):
        return node.target._schema.name in _KEPT_WHOLE
    module = getattr(node.target, "__module__", "") or ""
    return module not in ("_operator", "operator", "math", "builtins")


class _Recorder(Interpreter):
    """Runs a graph on real tensors and notes, for each wanted node, what it got, gave and changed."""

    def __init__(self, module: GraphModule, wanted: frozenset[Node]) -> None:
        super().__init__(module)
        self.wanted = wanted
        self.values: dict[Node, Any] = {}
        self.changed: dict[Node, frozenset[Node]] = {}

    def run_node(self, n: Node) -> Any:
        """Run one node; tensors given to a wanted node are compared before and after."""
        if n not in self.wanted:
            return super().run_node(n)
        given = {a: self.env[a] for a in n.all_input_nodes if _plain(self.env[a])}
        before = {a: t.clone() for a, t in given.items()}
        value = super().run_node(n)
        self.values[n] = value
        same = {a for a, t in given.items() if torch.equal(t, before[a]) or bool(t.isnan().any())}
        self.changed[n] = frozenset(given) - same
        return value


def _plain(value: Any) -> bool:
    """Whether a value is a tensor with strides; a pre-packed oneDNN weight is not."""
    return isinstance(value, torch.Tensor) and value.layout is torch.strided


def _results(value: Any) -> list[torch.Tensor] | None:
    """The tensors a call gives, or None where it gives something a graph cannot hold."""
    if value is None:
        return []
    if _plain(value):
        return [value]
    if isinstance(value, (tuple, list)) and value and all(_plain(v) for v in value):
        return list(value)
    return None


class OpaqueCalls:
    """Swaps opaque calls of a flat graph for operators with a fake implementation, and knows their text.

    Args:
        module: flat graph (tensors in, tuple of tensors out), edited in place.
        examples: its inputs; only clones of them are run.
        device: where the compiler is told that results lie; default: where they were here.
    """

    def __init__(
        self, module: GraphModule, examples: Sequence[torch.Tensor], device: torch.device | None = None
    ) -> None:
        self._device = device
        self.calls: dict[str, OpaqueCall] = {}
        library: Any = torch.library.Library  # untyped in torch
        self._library: Any = library(NAMESPACE, "FRAGMENT")
        opaque = [n for n in module.graph.nodes if is_opaque(n)]
        if not opaque:
            return
        consumers = {user for n in module.graph.nodes for user in n.users if is_opaque(n)}
        recorder = _Recorder(module, frozenset([*opaque, *consumers]))
        with TURN, torch.no_grad():
            recorder.run(*[t.clone() for t in examples])
        private = {n for n in opaque if _results(recorder.values[n]) is None}
        whole = set(opaque) | {user for n in private for user in n.users}
        for node in [n for n in module.graph.nodes if n in whole - private]:
            self._swap(module.graph, node, private, recorder)
        for node in reversed([n for n in module.graph.nodes if n in private]):
            if node.users:
                raise HarvestError(f"the result of {node.target} is used where a tensor is expected")
            module.graph.erase_node(node)
        module.graph.lint()
        module.recompile()

    def close(self) -> None:
        """Forget the operators."""
        self._library._destroy()

    def _swap(self, graph: Graph, node: Node, private: set[Node], recorder: _Recorder) -> None:
        chain = [*_producers(node, private), node]
        tensors = list(dict.fromkeys(a for n in chain for a in n.all_input_nodes if a not in private))
        changed = {a for n in chain for a in recorder.changed[n]}
        value = recorder.values[node]
        results = _results(value)
        if results is None:
            raise HarvestError(f"{node.target} gives {type(value).__name__}, which a graph cannot hold")
        name = f"_call_{next(_serial)}"
        bare = isinstance(value, torch.Tensor)
        self.calls[name] = OpaqueCall(name, _definition(name, chain, tensors))
        operator = self._define(name, tensors, changed, results, bare)
        with graph.inserting_before(node):
            new = graph.call_function(operator, tuple(tensors))
        node.replace_all_uses_with(new)
        graph.erase_node(node)

    def _define(
        self,
        name: str,
        tensors: Sequence[Node],
        changed: set[Node],
        results: Sequence[torch.Tensor],
        bare: bool,
    ) -> Any:
        marks = itertools.count()
        given = ", ".join(
            f"Tensor(m{next(marks)}!) a{i}" if a in changed else f"Tensor a{i}" for i, a in enumerate(tensors)
        )
        gives = "Tensor" if bare else "(" + ", ".join(["Tensor"] * len(results)) + ")"
        self._library.define(
            f"{name}({given}) -> {gives}",
            tags=(torch.Tag.needs_exact_strides, torch.Tag.nondeterministic_seeded),
        )
        forms = [(tuple(t.shape), tuple(t.stride()), t.dtype, self._device or t.device) for t in results]

        def fake(*_: torch.Tensor) -> Any:
            made = [torch.empty_strided(s, d, dtype=k, device=v) for s, d, k, v in forms]
            return made[0] if bare else tuple(made)

        self._library.impl(name, fake, "Meta", allow_override=True)
        torch.library.register_fake(f"{NAMESPACE}::{name}", fake, lib=self._library)
        return getattr(getattr(torch.ops, NAMESPACE), name).default


def _producers(node: Node, private: set[Node]) -> list[Node]:
    """Private nodes that ``node`` needs, in order of execution."""
    order: dict[Node, None] = {}

    def visit(n: Node) -> None:
        for a in n.all_input_nodes:
            if a in private and a not in order:
                visit(a)
                order[a] = None

    visit(node)
    return list(order)


def _definition(name: str, chain: Sequence[Node], tensors: Sequence[Node]) -> str:
    """Write the chain as one Python function of its tensors."""
    names = {a: f"a{i}" for i, a in enumerate(tensors)}
    speller = Speller(names, 'torch.device("cpu")')
    lines = [f"def {name}({', '.join(names.values())}):"]
    for i, n in enumerate(chain):
        if n.op != "call_function":
            raise HarvestError(f"{n.op} {n.target} cannot be kept whole")
        try:
            head, args, tail = speller.call(n)
        except ValueError as error:
            raise HarvestError(str(error)) from error
        text = head + ", ".join(args) + tail
        lines.append(f"    return {text}" if n is chain[-1] else f"    p{i} = {text}")
        names[n] = f"p{i}"
    return "\n".join(lines) + "\n"


@contextmanager
def opaque_calls(
    module: GraphModule, examples: Sequence[torch.Tensor], device: torch.device | None = None
) -> Iterator[Mapping[str, OpaqueCall]]:
    """Keep a flat graph's opaque calls whole inside the ``with`` block; gives them by name."""
    calls = OpaqueCalls(module, examples, device)
    try:
        yield calls.calls
    finally:
        calls.close()

"""Recurrent layers (GRU, LSTM, RNN): input products of all steps in one GEMM, steps in a fused C++ cell."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from torch import fx

from kernelevo.graphs import kernels
from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import arguments, aten, is_op, on_cpu, parts, shape
from kernelevo.graphs.snippet import Snippet, Table

_KINDS: dict[Any, str] = {
    aten.gru.input: "gru",
    aten.lstm.input: "lstm",
    aten.rnn_tanh.input: "rnn_tanh",
    aten.rnn_relu.input: "rnn_relu",
}
GATES = {"gru": 3, "lstm": 4, "rnn_tanh": 1, "rnn_relu": 1}

TUNE: Table = {
    "RECURRENT_ROWS": (0, 2, 3, 4),  # of a register tile; 0: by the cell and the width of vectors
    "RECURRENT_UNROLL": (1, 2, 4),  # of the sum over the hidden state
    "RECURRENT_MACS_PER_THREAD": (49152, 12288, 196608),  # of a step; with fewer it is not shared
    "RECURRENT_OWN_WEIGHT_BYTES": (524288, 131072, 2097152),  # up to here every thread reads all of it
}

_WRAPPER = '''
def _recurrent_weight(weight, hidden, column, vectors):
    """Return the recurrent columns of ``weight`` as [block][k][vector][gate][lane], padded with zeros."""
    gates, width = weight.shape[0] // hidden, vectors * _recurrent.lanes()
    blocks = -(-hidden // width)
    padded = weight.new_zeros(gates, blocks * width, hidden)
    padded[:, :hidden] = weight.detach()[:, column : column + hidden].view(gates, hidden, hidden)
    parts = padded.view(gates, blocks, vectors, width // vectors, hidden)
    return parts.permute(1, 4, 2, 0, 3).contiguous()


@functools.cache
def _recurrent_packer(hidden, column, vectors):
    return lambda weight: _recurrent_weight(weight, hidden, column, vectors)


def recurrent_layer(kind, gates, hidden, cells, weights, biases, batch_first, column=0):
    """Run the steps of one layer; one entry of each list per direction, the second one goes backwards.

    gates: x W_ih^T + b_ih of all steps, [steps, batch, ...]; hidden, cells: states before the first step,
    [batch, hidden] (cells: LSTM only); weights: W_hh, from ``column`` on; biases: b_hh or None. Returns the
    hidden states of all steps, [steps, batch, ...] or [batch, steps, ...], and the cells after the last.
    """
    code = ("gru", "lstm", "rnn_tanh", "rnn_relu").index(kind)
    size, width = hidden[0].shape[1], len(gates) * hidden[0].shape[1]
    steps, batch = gates[0].shape[:2]
    output = gates[0].new_empty((batch, steps, width) if batch_first else (steps, batch, width))
    strides = (width, steps * width) if batch_first else (batch * width, width)
    cells = [cell.clone(memory_format=torch.contiguous_format) for cell in cells]
    for index, (gate, before, weight, bias) in enumerate(zip(gates, hidden, weights, biases)):
        packer = _recurrent_packer(size, column, _recurrent.rnn_vectors() if code > 1 else 1)
        packed = kernelevo.packed(packer, weight)
        gate, before = gate.contiguous(), before.contiguous()
        _recurrent.recurrent_sequence(
            code, gate, packed, bias, before, cells[index] if cells else None, output, index * size,
            steps, batch, size, *strides, index,
        )
    return output, cells
'''


def snippet() -> Snippet:
    """Return the program text that defines ``recurrent_layer``."""
    library = kernels.library("_recurrent", "recurrent", TUNE)
    return Snippet("recurrent", "import functools\n\n" + library + _WRAPPER, TUNE)


@dataclass(frozen=True)
class Layers:
    """The arguments of one recurrent ATen node, taken apart."""

    kind: str
    x: fx.Node
    hidden: fx.Node
    cell: fx.Node | None
    weights: tuple[tuple[Any, Any, Any, Any], ...]  # W_ih, W_hh, b_ih, b_hh per layer and direction
    directions: int
    batch_first: bool

    @property
    def time(self) -> int:
        """The axis of the input and of the output that counts steps."""
        return 1 if self.batch_first else 0

    @property
    def steps(self) -> int:
        """The number of steps."""
        return shape(self.x)[self.time]


def parse_layers(node: fx.Node) -> Layers | None:
    """Return the layers of a recurrent node; None if it is none, or none that the kernel covers."""
    kind = _KINDS.get(node.target) if node.op == "call_function" else None
    if kind is None:
        return None
    given = arguments(node)
    x, params, has_biases, layers = (given[k] for k in ("input", "params", "has_biases", "num_layers"))
    states = given["hx"] if kind == "lstm" else [given["hx"]]
    if given["dropout"] and given["train"] and layers > 1:
        return None
    directions, each = 2 if given["bidirectional"] else 1, 4 if has_biases else 2
    if not on_cpu(x, *states, *params) or len(shape(x)) != 3 or len(params) != layers * directions * each:
        return None
    if 0 in shape(x):
        return None
    weights = []
    for start in range(0, len(params), each):
        w_ih, w_hh = params[start : start + 2]
        if shape(w_hh)[0] != GATES[kind] * shape(w_hh)[1]:  # an LSTM with projections
            return None
        b_ih, b_hh = params[start + 2 : start + 4] if has_biases else (None, None)
        weights.append((w_ih, w_hh, b_ih, b_hh))
    cell = states[1] if kind == "lstm" else None
    return Layers(kind, x, states[0], cell, tuple(weights), directions, given["batch_first"])


class RecurrentLayers:
    """Replaces whole recurrent ATen nodes: any depth, both directions, batch first or not, bias or not."""

    name = "recurrent-cells"
    describes = "recurrent layers as one input GEMM per layer and a fused C++ cell that runs all steps"
    devices = frozenset({"cpu"})

    def apply(self, captured: Captured) -> int:
        """Rewrite every recurrent node that matches; return how many."""
        count = 0
        for node in list(captured.graph.nodes):
            layers = parse_layers(node)
            users = parts(node)
            if layers is None or not users:
                continue
            captured.add_snippet(snippet())
            _Builder(captured, layers).replace(node, users)
            count += 1
        return count


class _Builder:
    """Writes the new nodes for one recurrent node."""

    def __init__(self, captured: Captured, layers: Layers) -> None:
        self.graph = captured.graph
        self.layers = layers
        self.function = captured.snippets["recurrent"].function("recurrent_layer")

    def replace(self, node: fx.Node, users: dict[int, fx.Node]) -> None:
        """Put the layers in place of ``node`` and its ``getitem`` users."""
        wanted = {index: user for index, user in users.items() if user.users}
        with self.graph.inserting_before(node):
            news = self._layers(wanted)
        for index, new in news.items():
            new.meta["val"] = users[index].meta.get("val")  # whoever reads it next asks for its shape
            users[index].replace_all_uses_with(new)
        # Erased here: its operator carries the tag of random ones, for the dropout that it may have.
        for user in users.values():
            self.graph.erase_node(user)
        self.graph.erase_node(node)

    def _layers(self, users: dict[int, fx.Node]) -> dict[int, fx.Node]:
        """Write all layers, in between with steps first; return what replaces each of ``users``."""
        x, finals, cells = self.layers.x, [], []
        if self.layers.batch_first:
            x = self.graph.call_function(aten.transpose.int, (x, 0, 1))
            x = self.graph.call_function(aten.contiguous.default, (x,))
        depth = len(self.layers.weights) // self.layers.directions
        for layer in range(depth):
            last = layer == depth - 1
            if last and set(users) == {0} and self._last_step(users[0]):
                self._end_at_last_step(x, layer, users[0])
                return {}
            batch_first = last and self.layers.batch_first
            x, ends = self._layer(x, layer, range(self.layers.directions), batch_first)
            finals += self._final_states(x, 1 if batch_first else 0) if 1 in users else []
            cells += ends
        news = {0: x}
        for index, states in ((1, finals), (2, cells)):
            if index in users:
                news[index] = self.graph.call_function(aten.stack.default, (states, 0))
        return {index: news[index] for index in users}

    def _state(self, states: fx.Node, index: int) -> fx.Node:
        return self.graph.call_function(aten.select.int, (states, 0, index))

    def _layer(
        self, x: fx.Node, layer: int, directions: range, batch_first: bool = False
    ) -> tuple[fx.Node, list[fx.Node]]:
        """Write one layer; return its hidden states over all steps and its last cells."""
        rows = [layer * self.layers.directions + d for d in directions]
        gates, weights, biases = [], [], []
        for row in rows:
            w_ih, w_hh, b_ih, b_hh = self.layers.weights[row]
            gates.append(self.graph.call_function(aten.linear.default, (x, w_ih, *([b_ih] if b_ih else []))))
            weights.append(w_hh)
            biases.append(b_hh)
        hidden = [self._state(self.layers.hidden, row) for row in rows]
        before = [self._state(self.layers.cell, row) for row in rows] if self.layers.cell else []
        call = (self.layers.kind, gates, hidden, before, weights, biases, batch_first)
        both = self.graph.call_function(self.function, call)
        output = self.graph.call_function(operator.getitem, (both, 0))
        if not before:
            return output, []
        ends = self.graph.call_function(operator.getitem, (both, 1))
        return output, [self.graph.call_function(operator.getitem, (ends, d)) for d in range(len(rows))]

    def _final_states(self, output: fx.Node, time: int) -> list[fx.Node]:
        """Return each direction's hidden state after its last step, as views of the layer's output."""
        found = []
        size = shape(self.layers.hidden)[2]
        for direction in range(self.layers.directions):
            step = self.layers.steps - 1 if direction == 0 else 0
            state = self.graph.call_function(aten.select.int, (output, time, step))
            if self.layers.directions == 2:
                columns = (direction * size, (direction + 1) * size)
                state = self.graph.call_function(aten.slice.Tensor, (state, 1, *columns))
            found.append(state)
        return found

    def _last_step(self, output: fx.Node) -> bool:
        """Return whether a bidirectional ``output`` is read at its last step only."""
        wanted = (-1, self.layers.steps - 1)
        return self.layers.directions == 2 and all(
            is_op(user, aten.select.int) and user.args[1] == self.layers.time and user.args[2] in wanted
            for user in output.users
        )

    def _end_at_last_step(self, x: fx.Node, layer: int, output: fx.Node) -> None:
        """Write the last layer for readers of the last step: backwards, that is the first step made."""
        steps = self.layers.steps
        ahead, _ = self._layer(x, layer, range(1))
        last = self.graph.call_function(aten.slice.Tensor, (x, 0, steps - 1, steps))
        # One step has no direction, so the backward weights may run as a layer of their own.
        back, _ = self._layer(last, layer, range(1, 2))
        ends = [
            self.graph.call_function(aten.select.int, (part, 0, index))
            for part, index in ((ahead, steps - 1), (back, 0))
        ]
        both = self.graph.call_function(aten.cat.default, (ends, 1))
        for user in list(output.users):
            both.meta["val"] = user.meta.get("val")
            user.replace_all_uses_with(both)
            self.graph.erase_node(user)

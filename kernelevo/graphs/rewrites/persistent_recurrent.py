"""Persistent recurrent layers: all steps, and where they fit all layers, as one CUDA kernel.

A step is too small for a GPU: its launches, or its trips to memory for the weights, take longer than its
sums. Here blocks stay resident with their share of the hidden weights in shared memory and wait for one
another once per step. Layers of one direction run at once, each a step behind the one below it.
"""

from __future__ import annotations

from torch import fx

from kernelevo.graphs import kernels
from kernelevo.graphs.capture import Captured
from kernelevo.graphs.grid import launching
from kernelevo.graphs.matching import arguments, parts, shape
from kernelevo.graphs.rewrites.recurrent import parse_layers
from kernelevo.graphs.rewrites.scan import replace_chains
from kernelevo.graphs.snippet import Snippet, Table

MOST_ROWS = 16  # of a batch: every thread sums for all of them

TUNE: Table = {
    "PERSISTENT_RECURRENT_THREADS": (256, 128, 512),
    "PERSISTENT_RECURRENT_SUMS": (80, 40, 120),  # of a thread at a time, where a warp has several units
    "PERSISTENT_RECURRENT_BLOCKS": (1024, 64, 32),  # at most; never more than multiprocessors
    "PERSISTENT_RECURRENT_LAYERS": (8, 1, 2, 4),  # at most so many at once
}

_WRAPPER = '''
_persistent_recurrent_source = r\'\'\'
{source}
\'\'\'

_persistent_recurrent_kinds = ("gru", "lstm", "rnn_tanh", "rnn_relu")


@functools.cache
def persistent_recurrent_plan(device, kind, batch, hidden, cells, chain):
    """Return (launch, whether the weights stay in shared memory); None if the states alone do not fit."""
    multiprocessors, most_shared = persistent_recurrent_device(device)
    threads = TUNE["PERSISTENT_RECURRENT_THREADS"][0]
    gates, sums = {{"gru": (3, 4), "lstm": (4, 4)}}.get(kind, (1, 1))
    each = min(multiprocessors, TUNE["PERSISTENT_RECURRENT_BLOCKS"][0]) // cells
    if each == 0:
        return None
    units = -(-hidden // each)
    blocks = -(-hidden // units)
    together = min(TUNE["PERSISTENT_RECURRENT_SUMS"][0] // (sums * batch), -(-units * 32 // threads))
    together = max(1, together)
    inner = -(-hidden // 4) * (8 if chain and cells > 1 else 4)
    padded = -(-units // together) * together
    bytes_ = 4 * (batch * inner + -(-padded * sums * batch // 4) * 4)
    resident = bytes_ + 4 * units * gates * inner + 64 <= most_shared
    bytes_ += 4 * units * gates * inner if resident else 0
    if bytes_ + 64 > most_shared:
        return None
    macros = {{
        "KIND": _persistent_recurrent_kinds.index(kind), "HIDDEN": hidden, "BATCH": batch, "CELLS": cells,
        "CHAIN": int(chain), "PARTS": blocks, "UNITS": units, "TOGETHER": together, "RESIDENT": int(resident),
        "THREADS": threads,
    }}
    options = tuple(f"-D{{key}}={{value}}" for key, value in macros.items())
    library = kernelevo.cuda(_persistent_recurrent_source, options=options)
    return library.persistent_recurrent[blocks * cells, threads, bytes_], resident


@functools.cache
def persistent_recurrent_depth(device, kind, batch, hidden, layers):
    """Return how many layers run at once: as many as keep their weights in shared memory."""
    for depth in range(min(layers, TUNE["PERSISTENT_RECURRENT_LAYERS"][0]), 1, -1):
        plan = persistent_recurrent_plan(device, kind, batch, hidden, depth, True)
        if plan is not None and plan[1]:
            return depth
    return 1


@functools.cache
def persistent_recurrent_packer(kind, cells, chain, has_inputs, has_biases):
    """Return the function that packs W_ih, W_hh, b_ih, b_hh of some cells (those that there are).

    It gives the recurrent weights and their biases as the kernel takes them, and weight and bias of the
    product with the inputs.
    """
    gates = {{"gru": 3, "lstm": 4}}.get(kind, 1)

    def rows(weight):
        hidden = weight.shape[0] // gates
        padded = F.pad(weight.view(gates, hidden, -1), (0, -(-hidden // 4) * 4 - hidden))
        return padded.transpose(0, 1)

    def pack(*tensors):
        left = [tensor.detach() for tensor in tensors]
        weights, biases, inputs, input_biases = [], [], [], []
        for cell in range(cells):
            w_ih = left.pop(0) if has_inputs else None
            w_hh = left.pop(0).contiguous()
            b_ih = left.pop(0) if has_inputs and has_biases else w_hh.new_zeros(w_hh.shape[0])
            b_hh = left.pop(0) if has_biases else w_hh.new_zeros(w_hh.shape[0])
            fed = chain and cell > 0
            own = rows(w_hh)
            weights.append(torch.cat([rows(w_ih.contiguous()), own], 2).flatten() if fed else own.flatten())
            given = b_ih if fed else torch.zeros_like(b_ih)
            size = w_hh.shape[1]
            if kind == "gru":
                both = (given + b_hh)[: 2 * size]
                biases += [both, given[2 * size :], b_hh[2 * size :]]
            else:
                biases.append(given + b_hh)
            if has_inputs and not fed:
                inputs.append(w_ih)
                input_biases.append(b_ih)
        made = torch.cat(weights), torch.cat(biases)
        return (*made, torch.cat(inputs), torch.cat(input_biases)) if has_inputs else made

    return pack


def persistent_recurrent_run(kind, chain, gates, hidden, cells, packed, batch_first):
    """Run all steps; return states of all steps, the last states and the last cells; None if refused.

    gates: products with the inputs, contiguous, steps or batch first; hidden, cells: [cell, batch, ...]
    (cells: LSTM only); packed: weights and biases.
    """
    count, batch, size = hidden.shape
    plan = persistent_recurrent_plan(gates.device, kind, batch, size, count, chain)
    if plan is None:
        return None
    steps = gates.shape[1 if batch_first else 0]
    width = size if chain else count * size
    output = gates.new_empty(*gates.shape[:2], width)
    padded = -(-size // 4) * 4
    state = F.pad(hidden, (0, padded - size)).expand(2, -1, -1, -1).contiguous()
    last = torch.empty_like(hidden, memory_format=torch.contiguous_format)
    last_cells = torch.empty_like(last) if cells is not None else None
    strides = [(t.stride(1), t.stride(0)) if batch_first else t.stride()[:2] for t in (gates, output)]
    done = plan[0].together(
        gates, packed[0], packed[1], None if cells is None else cells.contiguous(), state, output, last,
        last_cells, steps, *strides[0], *strides[1], persistent_recurrent_barrier(gates.device),
    )
    return (output, last, last_cells) if done else None


def persistent_recurrent_plainly(kind, x, states, parameters, has_biases, layers, both, batch_first):
    """As persistent_recurrent, by PyTorch."""
    given = (parameters, has_biases, layers, 0.0, False, both, batch_first)
    if kind == "lstm":
        return torch.ops.aten.lstm.input(x, states, *given)
    aten = torch.ops.aten
    function = {{"gru": aten.gru, "rnn_tanh": aten.rnn_tanh, "rnn_relu": aten.rnn_relu}}[kind]
    return function.input(x, states[0], *given)


def persistent_recurrent(kind, x, states, parameters, has_biases, layers, both, batch_first):
    """Return output, last states and (LSTM) last cells of recurrent layers, as the ATen operator does.

    By PyTorch where x is not on a GPU, and where the GPU cannot hold the blocks or the states.

    Args:
        kind: "gru", "lstm", "rnn_tanh" or "rnn_relu".
        x: inputs, steps first or batch first.
        states: states and (LSTM) cells before the first step, [layers * directions, batch, ...].
        parameters: W_ih, W_hh and, with has_biases, b_ih, b_hh of each layer and direction.
        has_biases, layers, both, batch_first: as the operator takes them; both: both directions.
    """
    arguments = (kind, x, states, parameters, has_biases, layers, both, batch_first)
    if not x.is_cuda:
        return persistent_recurrent_plainly(*arguments)
    batch, size = states[0].shape[1:]
    depth = 1 if both else persistent_recurrent_depth(x.device, kind, batch, size, layers)
    each, output, lasts, last_cells = 4 if has_biases else 2, x, [], []
    for first in range(0, layers, depth):
        count = 2 if both else min(depth, layers - first)
        low = 2 * first if both else first
        packer = persistent_recurrent_packer(kind, count, not both, True, has_biases)
        packed = kernelevo.packed(packer, *parameters[low * each : (low + count) * each])
        gates = F.linear(output, *packed[2:]).contiguous()
        hidden, *cells = (state[low : low + count] for state in states)
        made = persistent_recurrent_run(
            kind, not both, gates, hidden, cells[0] if cells else None, packed, batch_first
        )
        if made is None:
            return persistent_recurrent_plainly(*arguments)
        output = made[0]
        lasts.append(made[1])
        last_cells.append(made[2])
    news = (lasts, last_cells) if kind == "lstm" else (lasts,)
    return (output, *(torch.cat(new) if len(new) > 1 else new[0] for new in news))


def persistent_loop(kind, gates, hidden, cells, weights, biases, batch_first):
    """Run the steps of a plain recurrent cell; arguments in the plural are lists of one, cells is empty.

    gates: all of the sums but the product with the state, [steps, batch, ...]; hidden: the state before the
    first step; weights, biases: of the product with the state. Returns the states of all steps, and no cells.
    """
    (weight,), (bias,), (state,) = weights, biases, hidden
    made = None
    if gates[0].is_cuda:
        packer = persistent_recurrent_packer(kind, 1, True, False, bias is not None)
        packed = kernelevo.packed(packer, weight, *([] if bias is None else [bias]))
        made = persistent_recurrent_run(kind, True, gates[0].contiguous(), state[None], None, packed, False)
    if made is not None:
        return made[0], []
    states = []
    for gate in gates[0]:
        total = gate + F.linear(state, weight, bias)
        state = torch.tanh(total) if kind == "rnn_tanh" else torch.relu(total)
        states.append(state)
    return torch.stack(states), []
'''


def snippet() -> Snippet:
    """Return the program text that defines ``persistent_recurrent`` and ``persistent_loop``."""
    source = kernels.cuda_source("grid_barrier", "persistent_recurrent")
    text = launching("persistent_recurrent") + "\n" + _WRAPPER.format(source=source)
    return Snippet("persistent_recurrent", text, TUNE)


class PersistentRecurrent:
    """Recurrent operators of any depth and direction, and loops of plain recurrent steps in Python."""

    name = "persistent-recurrent"
    describes = "all steps of recurrent layers as one kernel whose blocks keep the weights and wait per step"
    devices = frozenset({"cuda"})

    def apply(self, captured: Captured) -> int:
        """Replace every recurrent operator and every loop that matches."""
        made = snippet()
        places = replace_chains(captured, made, "persistent_loop", MOST_ROWS)
        for node in list(captured.graph.nodes):
            layers = parse_layers(node)
            users = parts(node)
            if layers is None or not users or shape(layers.hidden)[1] > MOST_ROWS:
                continue
            captured.add_snippet(made)
            _replace(captured, node, layers.kind, users)
            places += 1
        return places


def _replace(captured: Captured, node: fx.Node, kind: str, users: dict[int, fx.Node]) -> None:
    """Put one call in place of a recurrent operator; it returns the same tuple."""
    given = arguments(node)
    states = list(given["hx"]) if kind == "lstm" else [given["hx"]]
    flags = (given["has_biases"], given["num_layers"], given["bidirectional"], given["batch_first"])
    graph = captured.graph
    function = captured.snippets["persistent_recurrent"].function("persistent_recurrent")
    with graph.inserting_before(node):
        call = graph.call_function(function, (kind, given["input"], states, list(given["params"]), *flags))
    call.meta = dict(node.meta)
    for user in users.values():
        user.args = (call, user.args[1])
    # Erased here: its operator carries the tag of random ones, for the dropout that it may have.
    graph.erase_node(node)

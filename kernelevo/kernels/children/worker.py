"""Worker: what runs in a child, build stage and run stage; nothing it says is trusted, its memory is read."""

from __future__ import annotations

import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils import _pytree as pytree

from kernelevo.backends.candidate import adopt, load_candidate
from kernelevo.backends.seeding import seeded
from kernelevo.device.instruments import Instruments, make
from kernelevo.errors import BuildError, KernelEvoError
from kernelevo.kernels.children import generated
from kernelevo.kernels.children.arena import Arena, Layout
from kernelevo.kernels.children.heap import keep_freed_memory
from kernelevo.kernels.children.ledger import Ledger
from kernelevo.kernels.children.loading import take
from kernelevo.kernels.children.place import Place
from kernelevo.kernels.children.results import describe
from kernelevo.kernels.children.trusted import build_baseline
from kernelevo.kernels.programs.compiled_code import settle
from kernelevo.kernels.reference.strides import laid_out
from kernelevo.kernels.reference.tree import Leaf, unflatten

Subject = Callable[..., Any]
_LOG = 8000
_FEW, _SPINNING = 8, 0.004
"""Seconds that OpenMP's threads may spin after a parallel region (300,000 turns in libgomp): a process that
is stopped meanwhile spins on when a batch starts, in the way of the thread that makes the calls. A batch of
more than a few calls hardly notices."""


class Talk(Protocol):
    """The child's end of the conversation."""

    def send(self, obj: Any) -> None:
        """Send one message."""
        ...

    def recv(self, timeout: float | None = None) -> Any:
        """Wait for the next message."""
        ...


def standin(weights: list[dict[str, Any]], views: list[torch.Tensor], training: bool) -> nn.Module:
    """Return a module without behaviour that holds the reference's weights under the reference's names.

    Args:
        weights: for each tensor ``name``, ``kind`` (parameter, buffer, unsaved buffer, plain) and
            ``requires_grad``.
        views: the tensors.
        training: the reference's mode.
    """
    root = nn.Module()
    for spec, view in zip(weights, views, strict=True):
        *path, last = spec["name"].split(".")
        owner = root
        for part in path:
            if part not in owner._modules:
                owner.add_module(part, nn.Module())
            owner = owner._modules[part]  # type: ignore[assignment]
        if spec["kind"] == "parameter":
            owner.register_parameter(last, nn.Parameter(view, requires_grad=spec["requires_grad"]))
        elif spec["kind"] == "plain":
            object.__setattr__(owner, last, view)
        else:
            owner.register_buffer(last, view, persistent=spec["kind"] == "buffer")
    return root.train(training)


class Worker:
    """One subject (a candidate, a baseline or the empty program) and the commands it obeys.

    Args:
        payload: see ``session.Session``; plain data.
        fds: ``weights`` and ``slots``, blocks of shared memory.
    """

    def __init__(self, payload: dict[str, Any], fds: dict[str, int]) -> None:
        self.payload = payload
        weights = Layout.from_json(payload["weights"]["layout"])
        self._weights_arena = Arena(weights.nbytes, fds["weights"])
        self._weights = weights.views(self._weights_arena.block)
        self._slots_arena = Arena(payload["slots"]["bytes"], fds["slots"])
        self._ledger = Ledger(self._slots_arena.block[payload["slots"]["ledger"] :])
        self._one = Layout.from_json(payload["slots"]["layout"])
        self._place = Place(payload["device"], staged=payload["staged"])
        self._instruments: Instruments | None = None
        self._subject: Subject | None = None
        self._module: nn.Module | None = None
        self._kind: type[nn.Module] | None = None
        self._armed: list[tuple[tuple[Any, ...], int]] = []
        self._slotted: list[tuple[tuple[Any, ...], int]] = []
        self._kept: list[Any] = []
        self._fetched: list[Any] = []
        self._held: Any = None
        self._left: list[torch.Tensor] = []  # where parameters lay that were moved
        self._first: tuple[nn.Module | None, Subject | None] = (None, None)
        self._generated = generated.count()

    def equip(self) -> None:
        """Take up the instruments that a timed run has; before any candidate's code is there."""
        self._instruments = make(self.payload["instruments"], self._place.device)

    # ------------------------------------------------------------------ commands

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command other than ``go``."""
        do: Callable[[dict[str, Any]], dict[str, Any]] = getattr(self, f"do_{order['do']}")
        return do(order)

    def do_construct(self, order: dict[str, Any]) -> dict[str, Any]:
        """Load (once) and construct the subject after a seed, with the shared weights."""
        seed, spec = order["seed"], self.payload["subject"]
        weights: str = "strict"
        start = time.perf_counter()
        if order.get("beside"):
            self._first = self._module, self._subject
        self._subject = self._module = None
        if spec["kind"] == "empty":
            self._subject = _empty(self.payload["outputs"], self._place.device)
        elif spec["kind"] == "program":
            if self._kind is None:
                settle(Path(spec["folder"]))
                self._kind = load_candidate(spec["source"], Path(spec["folder"]), spec["beside"])
            reference = standin(self.payload["weights"]["names"], self._weights, self.payload["training"])
            self._module, weights = adopt(
                self._kind, reference, self.payload["init_args"], self.payload["init_kwargs"], seed
            )
            if self._place.on_device:
                self._module.to(self._place.device)
            self._subject = self._standing_in(self._module)
        else:
            self._module, self._subject = build_baseline(spec, seed, self._place.device)
            self.do_load({"way": "load"})
        return {"weights": weights, "seconds": time.perf_counter() - start}

    def _standing_in(self, program: nn.Module) -> Subject:
        """Return what is called: with the work that a drop-in adds, where programs become one."""
        if not self.payload["lays_out"]:
            return program
        kinds = [
            Leaf(leaf["dtype"], tuple(leaf["shape"]), tuple(leaf["stride"]), leaf["device"])
            if "dtype" in leaf
            else leaf["plain"]
            for leaf in self.payload["outputs"]["leaves"]
        ]
        return lambda *args: laid_out(program(*args), kinds)

    def do_back(self, order: dict[str, Any]) -> dict[str, Any]:
        """Go back to the instance beside which another one was constructed."""
        self._module, self._subject = self._first
        self._first = None, None
        return {}

    def do_load(self, order: dict[str, Any]) -> dict[str, Any]:
        """Take the parameters and buffers that now lie in shared memory."""
        if self._module is not None:
            names = self.payload["weights"]["names"]
            self._left = take(self._module, names, self._weights, order["way"], order.get("only") or ())
        return {}

    def do_threads(self, order: dict[str, Any]) -> dict[str, Any]:
        """Let the subject compute with so many threads from now on, as a loader's worker does."""
        torch.set_num_threads(order["count"])
        return {}

    def do_arm(self, order: dict[str, Any]) -> dict[str, Any]:
        """Make ready for a batch: which slots. Their seeds come with their values, when the clock runs."""
        structure, plain = self.payload["slots"]["structure"], self.payload["slots"]["plain"]
        self._kept = []
        self._armed = []
        for slot in order["slots"]:
            start = slot * self._one.nbytes
            tensors = iter(self._one.views(self._slots_arena.block[start : start + self._one.nbytes]))
            leaves = [next(tensors) if p is None else p[0] for p in plain]
            self._armed.append((tuple(unflatten(structure, leaves)), slot))
        self._slotted = list(self._armed)
        if self._instruments is not None:
            self._instruments.ready(len(self._armed))
        if len(self._armed) <= _FEW and not self._place.on_device:
            time.sleep(_SPINNING)
        return {}

    def do_stage(self, order: dict[str, Any]) -> dict[str, Any]:
        """Copy what now lies in the slots to where the subject computes, and say where it lies there.

        Where the parent writes there by itself, memory of that form is made and nothing copied.
        """
        put = self._place.blank if order.get("blank") else self._place.put
        self._armed = [(put(args), slot) for args, slot in self._slotted]
        self._place.wait()
        tensors = [
            v for args, _ in self._armed for v in pytree.tree_leaves(args) if isinstance(v, torch.Tensor)
        ]
        places = [[t.data_ptr(), t.data_ptr() + t.untyped_storage().nbytes()] for t in tensors]
        return {"ranges": places, **self._shared(start for start, end in places if start < end)}

    def _shared(self, addresses: Iterable[int]) -> dict[str, Any]:
        """Say what the parent needs to read memory at these addresses."""
        return {} if self._instruments is None else {"segments": self._instruments.segments(addresses)}

    def do_unstage(self, order: dict[str, Any]) -> dict[str, Any]:
        """Copy the inputs of one call back into its slot: a program must not have written to them."""
        start = order["slot"] * self._one.nbytes
        views = self._one.views(self._slots_arena.block[start : start + self._one.nbytes])
        args = pytree.tree_leaves(self._armed[order["slot"]][0])
        for view, value in zip(views, (a for a in args if isinstance(a, torch.Tensor)), strict=True):
            view.copy_(value)
        return {}

    def do_hold(self, order: dict[str, Any]) -> dict[str, Any]:
        """Hold views of one result of the last batch from now on: a program may count references to it."""
        i = order["index"]
        self._held = self._kept[i] = pytree.tree_map_only(torch.Tensor, torch.Tensor.detach, self._kept[i])
        return {}

    def do_fetch(self, order: dict[str, Any]) -> dict[str, Any]:
        """Copy one result, of the last batch or the one that is held, to this process's memory; say where."""
        result = self._held if order.get("held") else self._kept[order["index"]]
        self._fetched = [self._place.fetch(result)]
        return describe(self._fetched)

    def go(self) -> dict[str, Any]:
        """Run the armed batch, keep its outputs alive and say where they lie."""
        subject, kept = self._subject, self._kept
        if subject is None:
            raise RuntimeError("nothing was constructed")
        if self._instruments is not None:
            return self._go_measured(subject, self._instruments)
        draws, seeds = self.payload["draws"], self._ledger.seeds
        place, seed_with, note = self._place, self._place.seed, self._ledger.note
        place.start()
        with torch.no_grad():
            for i, (args, _) in enumerate(self._armed):
                if draws:
                    seed_with(seeds[i])
                kept.append(subject(*args))
                note(i, kept[-1])
        spent = place.stop()
        return {"ns": spent, **describe(kept)}

    def _go_measured(self, subject: Subject, instruments: Instruments) -> dict[str, Any]:
        """Do the same with a flush and a pair of marks for every call."""
        kept, draws, seed_with = self._kept, self.payload["draws"], self._place.seed
        before, after, note = instruments.before, instruments.after, self._ledger.note
        seeds = self._ledger.seeds
        instruments.begin()
        with torch.no_grad():
            for i, (args, _) in enumerate(self._armed):
                if draws:
                    seed_with(seeds[i])
                before()
                kept.append(subject(*args))
                after()
                note(i, kept[-1])
        told = instruments.end()
        said = describe(kept)
        addresses = (address for _, places in said["results"] for _, address in places if address)
        return {**told, **said, **self._shared(addresses)}

    def do_spans(self, order: dict[str, Any]) -> dict[str, Any]:
        """Time one call of the armed batch by other clocks, on nobody's account."""
        subject, instruments = self._subject, self._instruments
        if subject is None or instruments is None or not self._armed:
            return {"missing": {"spans": "there are no instruments"}}
        args = self._armed[0][0]
        with torch.no_grad():
            of = instruments.profile if order["profile"] else instruments.spans
            return of(lambda: subject(*args))

    def do_buffers(self, order: dict[str, Any]) -> dict[str, Any]:
        """Say where the buffers lie, by their names in the state dict."""
        if self._module is None:
            return {"names": [], "training": self.payload["training"], **describe([[]])}
        return self._told(dict(self._module.named_buffers()), self._module)

    def do_parameters(self, order: dict[str, Any]) -> dict[str, Any]:
        """Say where the parameters lie, by their names in the state dict."""
        if self._module is None:
            return {"names": [], "training": self.payload["training"], **describe([[]])}
        return self._told(dict(self._module.named_parameters()), self._module)

    def _told(self, own: Mapping[str, torch.Tensor], module: nn.Module) -> dict[str, Any]:
        names = [k for k in module.state_dict() if k in own]
        if not names and own:
            names = list(own)
        self._kept = [[own[k].detach() for k in names]]
        if self._place.staged:
            self._kept = [self._place.fetch(self._kept[0])]
        return {"names": names, "training": module.training, **describe(self._kept)}

    def do_drop(self, order: dict[str, Any]) -> dict[str, Any]:
        """Let go of the kept outputs."""
        self._kept, self._armed = [], []
        return {}

    def do_rest(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do nothing for a while: a thread that still writes would show."""
        time.sleep(order["seconds"])
        return {}

    def do_code(self, order: dict[str, Any]) -> dict[str, Any]:
        """Say what code Inductor made; of a baseline's process, which is ours."""
        return {"digest": generated.digest(self._generated)}

    def do_facts(self, order: dict[str, Any]) -> dict[str, Any]:
        """Say what the process has used."""
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {"maxrss_bytes": resident, "device_peak_bytes": self._place.peak_bytes()}


def _empty(outputs: dict[str, Any], device: torch.device) -> Subject:
    """Return the empty program: it hands out an output that exists already."""
    leaves = [
        torch.zeros(o["shape"], dtype=getattr(torch, o["dtype"]), device=device)
        if "dtype" in o
        else o["plain"]
        for o in outputs["leaves"]
    ]
    try:
        ready = unflatten(outputs["structure"], leaves)
    except (ValueError, TypeError, KeyError, NotImplementedError):  # a container that the task's file defines
        ready = tuple(leaves)
    return lambda *args: ready


# ---------------------------------------------------------------------- entry points


def _failure(error: BaseException, stage: str) -> dict[str, Any]:
    log = error.log if isinstance(error, BuildError) else ""
    if not log:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "kernelevo_candidate" in f.filename]
        places = [f"  line {f.lineno}, in {f.name}: {f.line}" for f in frames[-6:]]
        log = "\n".join([*places, f"{type(error).__name__}: {error}"])
    return {
        "error": {
            "stage": stage,
            "type": type(error).__name__,
            "what": error.what if isinstance(error, KernelEvoError) else f"{type(error).__name__}: {error}",
            "why": error.why if isinstance(error, KernelEvoError) else "",
            "now": error.now if isinstance(error, KernelEvoError) else "",
            "log": log[-_LOG:],
        }
    }


def serve(channel: Talk, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Obey the parent until it closes the channel (run stage, baselines, the empty program)."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 5000))
    keep_freed_memory()
    worker = Worker(payload, fds)
    worker.equip()
    channel.send({"ready": True})
    while True:
        order = channel.recv()
        try:
            reply = worker.go() if order["do"] == "go" else worker.obey(order)
        except BaseException as error:
            if isinstance(error, SystemExit | KeyboardInterrupt):
                raise
            reply = _failure(error, order["do"])
        channel.send(reply)


def build(channel: Talk, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Build stage: import, construct, one forward on throw-away inputs, and say how it went."""
    stage = "load"
    try:
        worker = Worker(payload, fds)
        stage = "construct"
        facts = worker.do_construct({"seed": payload["seed"]})
        channel.send({"stage": "forward"})
        stage = "forward"
        worker.do_arm({"slots": [0]})
        if payload["staged"]:
            worker.do_stage({})
        with seeded(payload["seed"]):
            worker.go()
        reply = {"ok": True, **facts}
    except BaseException as error:
        if isinstance(error, SystemExit | KeyboardInterrupt):
            raise
        reply = _failure(error, stage)
    channel.send(reply)

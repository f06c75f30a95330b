"""Session: the parent's conversation with one live subject; the parent holds the clock."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kernelevo.core import Status
from kernelevo.device.clock import Toll
from kernelevo.device.priority import MEASURED, prioritise, prompt
from kernelevo.device.process_memory import peak_megabytes
from kernelevo.kernels.children.answer import Answer, Batch
from kernelevo.kernels.children.arena import Arena, mapped_at
from kernelevo.kernels.children.backing import Backing
from kernelevo.kernels.children.filling import Values
from kernelevo.kernels.children.ledger import Ledger
from kernelevo.kernels.children.results import parse, places, plain, ranges, resolved
from kernelevo.kernels.children.setting import Setting
from kernelevo.kernels.children.shared_outputs import SharedOutputs
from kernelevo.kernels.children.staging import Staging
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import NO_ANSWER, Failed, told, translated
from kernelevo.kernels.reference.tree import flatten
from kernelevo.sandbox import scratch
from kernelevo.sandbox.child import BadAddress, Child
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.zygote import Zygote

Midway = tuple[float, Callable[[list[int]], None]]


class Session:
    """One live child with its own blocks of shared memory.

    Args:
        zygote: who forks it.
        setting: the task's shapes.
        subject: what it runs: ``{"kind": "program", "source", "beside", "folder"}``, ``{"kind": "eager" |
            "compiled", "reference": spec, "compile": {...}}`` or ``{"kind": "empty"}``.
        limits: of the child.
        patience: seconds a command may take, unless told otherwise.
    """

    def __init__(
        self, zygote: Zygote, setting: Setting, subject: dict[str, Any], limits: Limits, patience: float
    ) -> None:
        self.setting, self.patience = setting, patience
        self._weights = Arena(setting.weights.nbytes)
        self._slots = Arena(setting.slots_bytes)
        self._ledger = Ledger(self._slots.block[setting.inputs.nbytes * setting.capacity :])
        self._weight_views = setting.weights.views(self._weights.block)
        repeated = setting.inputs.repeated(setting.capacity)
        views, width = repeated.views(self._slots.block), len(setting.inputs.leaves)
        self._slot_views = [views[i * width : (i + 1) * width] for i in range(setting.capacity)]
        self._stopped = False
        self._staging = Staging(setting, self._slots.block, self._slot_views)
        self.child: Child = zygote.spawn(
            "kernelevo.kernels.children.worker:serve",
            {**setting.payload(), "subject": subject},
            limits=limits,
            fds={"weights": self._weights.fd, "slots": self._slots.fd},
        )
        equipment = setting.equipment
        strict = subject["kind"] == "program"
        self.outputs = equipment.outputs(self.child, strict=strict) if equipment is not None else None
        self.weights = "strict"
        self.placed: object = None  # the parameter set that it holds, where that is known (see ``Checker``)
        self._first_in_line = False
        self._backing = Backing(self.child.pid)
        self._hear(patience)

    # ------------------------------------------------------------------ conversation

    def _hear(self, timeout: float) -> dict[str, Any]:
        with translated(self.child, timeout):
            reply = self.child.channel.recv(timeout)
        if not isinstance(reply, dict):
            raise Failed(Status.REJECTED, rules.PROTOCOL.broken(NO_ANSWER))
        if "error" in reply:
            raise told(reply["error"], self.child)
        return reply

    def ask(self, do: str, *, timeout: float | None = None, **more: Any) -> dict[str, Any]:
        """Send one command and return its reply; wakes the child if it is stopped."""
        self.resume()
        limit = timeout or self.patience
        with translated(self.child, limit):
            self.child.channel.send({"do": do, **more}, timeout=limit)
        return self._hear(limit)

    def stop(self) -> int:
        """Stop the child; returns the instant (``time.monotonic_ns``) at which every thread stood still."""
        with translated(self.child, self.patience):
            stamp = self.child.stop()
        self._stopped = True
        return stamp

    def resume(self) -> None:
        """Let a stopped child go on."""
        if self._stopped:
            with translated(self.child, self.patience):
                self.child.resume()
            self._stopped = False

    def put_first(self) -> None:
        """Let the child's threads run before other work of this machine, where the kernel allows it."""
        if not self._first_in_line:
            prioritise(self.child.pid, MEASURED)
            self._first_in_line = True

    def close(self) -> None:
        """Kill the child and give its memory back."""
        if self.outputs is not None:
            self.outputs.close()
        self.child.close()
        self._weights.close()
        self._slots.close()
        # what it wrote there is worth nothing now: a baseline's compiled code lies in a cache of its own
        scratch.remove(self.child.limits.scratch, seconds=scratch.SOON)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------ weights

    def construct(
        self,
        weights: Mapping[str, torch.Tensor],
        seed: int,
        *,
        timeout: float | None = None,
        beside: bool = False,
    ) -> dict[str, Any]:
        """Construct the subject after ``seed`` with these weights; ``beside`` keeps the one that is there."""
        for spec, view in zip(self.setting.names, self._weight_views, strict=True):
            view.copy_(weights[spec["name"]])
        self.placed = None
        reply = self.ask("construct", seed=seed, timeout=timeout, beside=beside)
        self.weights = "by seed" if reply.get("weights") == "by seed" else "strict"
        return reply

    def load(self, state: Mapping[str, torch.Tensor], way: str, only: Collection[str] = ()) -> None:
        """Give the subject other parameter values.

        Args:
            state: values by name.
            way: one of ``cases.parameters.Way``.
            only: write these alone.
        """
        for spec, view in zip(self.setting.names, self._weight_views, strict=True):
            if spec["name"] in state:
                view.copy_(state[spec["name"]])
        self.placed = None
        self.ask("load", way=way, only=sorted(only))

    def back(self) -> None:
        """Go back to the subject beside which another one was constructed."""
        self.placed = None
        self.ask("back")

    # ------------------------------------------------------------------ calls

    def batch(
        self,
        values: Values,
        seeds: Sequence[int],
        *,
        timeout: float | None = None,
        midway: Midway | None = None,
    ) -> Batch:
        """Run ``len(seeds)`` calls on values written while the child stands still; leaves it stopped.

        Args:
            values: of the inputs.
            seeds: seed of each call.
            timeout: seconds for the whole batch.
            midway: stop the child after so many seconds, unless it is done by then, do that, let it go on.
                It is given what the child noted of each call that it says is done (see ``ledger``).
        """
        count, limit = len(seeds), timeout or self.patience
        self.ask("arm", slots=list(range(count)))
        self.stop()
        self._ledger.tell(seeds)
        # blank memory is staged first: a program that took the staging over sees no input before the clock
        blind = self.setting.staged and self.rewrites
        if blind:
            self._stage(limit, blank=True)
        if not (blind and self.rewrite(range(count), values)):
            for i in range(count):
                values.write(i, self._slot_views[i])
            if self.setting.staged:
                self._stage(limit)
        return self._run(count, limit, midway)

    def _stage(self, limit: float, *, blank: bool = False) -> None:
        staged = self.ask("stage", timeout=limit, blank=blank)
        self._staging.places = ranges(staged)
        self.stop()
        if self.reading is not None:
            self.reading.take(staged)

    def idle(self, calls: int) -> Batch:
        """Run calls on what lies in the first slot, without staging it: for the empty program."""
        self.ask("arm", slots=[0] * calls)
        self.stop()
        self._ledger.tell([0] * calls)
        return self._run(calls, self.patience)

    def _run(self, count: int, limit: float, midway: Midway | None = None) -> Batch:
        """Let the armed batch run; the clock ends with our own read where we can read, else with the stop."""
        self._ledger.clear()
        self._backing.before(count)
        toll = Toll(self.child.pid)
        with translated(self.child, limit), prompt():
            start = time.monotonic_ns()
            self.child.resume()
            self.child.channel.send({"do": "go"})
            if midway is not None:
                self._interrupt(count, *midway)
            reply = self.child.channel.recv(limit)
            end = still = self.child.stop()
            self._stopped = True
            if self.reading is not None and isinstance(reply, dict) and "error" not in reply:
                end = self.reading.secure(reply)
        lost = toll.lost_ns(still - start)
        self._backing.after(count)
        if not isinstance(reply, dict):
            raise Failed(Status.REJECTED, rules.PROTOCOL.broken(NO_ANSWER))
        if "error" in reply:
            raise told(reply["error"], self.child)
        return Batch.of(count, (end - start) * 1e-9, reply, lost)

    def _interrupt(self, count: int, seconds: float, act: Callable[[list[int]], None]) -> None:
        """Stop the child in the middle of a batch and act; do nothing if it has answered by then."""
        time.sleep(seconds)
        self.child.stop()
        if not select.select([self.child.channel], [], [], 0.0)[0]:
            act(self._ledger.noted(count))
        self.child.resume()

    def wipe(self) -> None:
        """Zero the inputs of the latest batch: the child, which stands still, computes no more from them."""
        if self.reading is not None:
            self._staging.wipe(self.reading)
        else:
            self._slots.block[: self.setting.inputs.nbytes * self.setting.capacity].numpy().fill(0)

    @property
    def rewrites(self) -> bool:
        """Whether the parent can change inputs in the midst of a batch, wherever they were copied to."""
        return not self.setting.staged or self.reading is not None

    def rewrite(self, slots: Sequence[int], values: Values) -> bool:
        """Let the stopped child find other inputs in slots, where they were copied to; False if it fails."""
        if self.reading is not None:
            return self._staging.rewrite(self.reading, slots, values)
        for slot in slots:
            values.write(slot, self._slot_views[slot])
        return self.rewrites

    def peek(self, address: int, nbytes: int) -> bytes | None:
        """Return the stopped child's memory in the midst of a batch; None where it cannot be read (yet)."""
        reading = self.reading
        try:
            return (self.child.read if reading is None else reading.plain_read)(address, nbytes).tobytes()
        except (BadAddress, RuntimeError, LookupError):
            return None

    @property
    def reading(self) -> SharedOutputs | None:
        """What reads outputs by itself; None where the child has to copy them."""
        return self.outputs if self.outputs is not None and self.outputs.usable else None

    def inputs(self, slot: int) -> list[torch.Tensor]:
        """Return the tensors that now lie in a slot (the child may have written to them)."""
        read = self.reading is not None and self._staging.read_back(self.reading, slot)
        if self.setting.staged and not read:
            self.ask("unstage", slot=slot)
            self.stop()
        return self._slot_views[slot]

    def holds(self, slot: int, given: Sequence[torch.Tensor]) -> bool:
        """Tell whether a slot's inputs, where they were copied to, surely are these, which lie there too."""
        return self.reading is not None and self._staging.holds(self.reading, slot, given)

    def places(self, batch: Batch, *, own: bool = False) -> list[list[tuple[int, int]]]:
        """Return (address, bytes) of every tensor leaf of every result, checked for plausible sizes.

        Args:
            batch: whose results.
            own: leave those out that the module itself hands out of what it holds.
        """
        parsed = parse(batch.said, batch.calls, self._device, overlaps=self.setting.overlaps)
        return [places(result, self.setting.returns_held if own else ()) for result in parsed]

    def answer(self, said: dict[str, Any], index: int, count: int) -> Answer:
        """Read one result out of the stopped child; its spans are where it lay when it was returned."""
        if not self.setting.staged:
            return self._read(said, index, count)
        tensors = parse(said, count, self._device, overlaps=self.setting.overlaps)[index][2]
        reading = self.reading
        if reading is not None:
            try:
                return self._read(said, index, count, self._device, reading.read)
            except (RuntimeError, LookupError) as error:
                reading.give_up(str(error))
        copied = self.ask("fetch", index=index)
        self.stop()
        return replace(self._read(copied, 0, 1), spans=tuple((a, a + leaf.nbytes) for a, leaf in tensors))

    def hold(self, index: int) -> None:
        """Let the child hold one result of the latest batch, whatever else it is asked."""
        self.ask("hold", index=index)
        self.stop()

    def held(self, batch: Batch, index: int) -> Answer:
        """Read the result that the child holds, as it is now; ``batch`` and ``index`` say which it is."""
        if not self.setting.staged:
            return self._read(batch.said, index, batch.calls)
        copied = self.ask("fetch", held=True)
        self.stop()
        return self._read(copied, 0, 1)

    def _read(
        self,
        said: dict[str, Any],
        index: int,
        count: int,
        device: str = "cpu",
        read: Callable[[list[tuple[int, int]]], list[NDArray[np.uint8]]] | None = None,
        *,
        own: bool = False,
    ) -> Answer:
        """Read one result (or what the subject holds of its ``own``), out of its memory or with ``read``."""
        may = own or self.setting.overlaps
        structure, kinds, tensors = parse(said, count, device, overlaps=may)[index]
        if sum(leaf.nbytes for _, leaf in tensors) > self.setting.most_bytes:
            raise Failed(Status.REJECTED, rules.SIZE.broken(rules.TOO_LARGE))
        pieces = [(address, leaf.nbytes) for address, leaf in tensors if leaf.nbytes]
        with translated(self.child, self.patience):
            arrays = iter((read or self.child.read_many)(pieces))
        leaves: list[Any] = []
        waiting = iter(tensors)
        for kind in kinds:
            if "dtype" not in kind:
                leaves.append(plain(kind))
                continue
            _, leaf = next(waiting)
            if not leaf.nbytes:
                leaves.append(torch.empty(leaf.shape, dtype=leaf.torch_dtype))
                continue
            flat = torch.from_numpy(next(arrays)).view(leaf.torch_dtype)
            leaves.append(resolved(flat.as_strided(leaf.shape, leaf.stride), kind))
        if structure == "*":
            structure = flatten(torch.empty(0))[0]
        return Answer(structure, tuple(leaves), tuple((a, a + n) for a, n in pieces))

    def parameters(self) -> dict[str, torch.Tensor]:
        """Return the subject's parameters by name, read from its stopped memory."""
        return self._named("parameters")[0]

    def buffers(self) -> tuple[dict[str, torch.Tensor], bool]:
        """Return the subject's buffers by name and its mode, read from its stopped memory."""
        return self._named("buffers")

    def _named(self, kind: str) -> tuple[dict[str, torch.Tensor], bool]:
        said = self.ask(kind)
        self.stop()
        answer = self._read(said, 0, 1, own=True)
        names = said.get("names")
        if not isinstance(names, list) or len(names) != len(answer.leaves):
            saw = f"the program's process does not say which {kind} it has"
            raise Failed(Status.REJECTED, rules.PROTOCOL.broken(saw))
        return dict(zip(map(str, names), answer.leaves, strict=True)), said.get("training") is True

    def peak_megabytes(self) -> float | None:
        """Return the most memory that the child took in MB, a device's as it says; None once it is gone."""
        said = self.ask("facts").get("device_peak_bytes") if self.setting.on_device else None
        return said / 1e6 if said and isinstance(said, int | float) else peak_megabytes(self.child.pid)

    @property
    def _device(self) -> str:
        return self.setting.device.partition(":")[0]

    def shared_ranges(self) -> list[tuple[int, int]]:
        """Address ranges at which the child sees its input slots and weights."""
        if self.setting.staged:
            return self._staging.ranges()
        return mapped_at(self.child.pid, self._slots.inode, self._weights.inode)

"""Roof: a task's roofline, measured once, and the gate for times that are physically impossible."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from kernelevo.core import Status
from kernelevo.core.evaluation import Metric
from kernelevo.device.ceilings import Ceilings, KnownCeilings, facts_of
from kernelevo.device.lease import Lease
from kernelevo.device.priority import first_in_line
from kernelevo.device.roofline import Floor, roofline
from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.children.supervisor import Supervisor
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.reference.work import Work, survey_work
from kernelevo.kernels.timing.series import Tally
from kernelevo.sandbox.channel import PeerFault
from kernelevo.sandbox.limits import Limits

_log = logging.getLogger(__name__)
PATIENCE = 60.0


class Roof:
    """What one task's work could cost on this device at the least.

    Args:
        supervisor: has the zygote that forks the trusted child that measures.
        pool: the task's reference and its first case.
        device: ``"cpu"`` or ``"cuda:0"``.
        folder: a working folder for that child.
        kept: where ceilings are kept between processes.
    """

    def __init__(self, supervisor: Supervisor, pool: Pool, device: str, folder: Path, kept: Path) -> None:
        self._supervisor, self._pool, self._device, self._folder = supervisor, pool, device, folder
        self._known = KnownCeilings(kept, facts_of(device, supervisor.threads))
        self.work: Work | None = None
        self.ceilings: Ceilings | None = None
        self.missing = "not measured before the first verdict"
        self._prepared = False

    def ready(self) -> None:
        """Do ``prepare`` once; until then the roofline is unknown, and nothing is refused for it."""
        if not self._prepared:
            self.prepare()

    def prepare(self) -> None:
        """Take down the task's work, and measure the device's ceilings where they are not known yet.

        To be called where nothing is timed. What cannot be found out leaves the roofline unknown, and
        ``missing`` says why; it never fails a judge.
        """
        self.missing, self._prepared = "", True
        if self.work is None:
            self.work = self._survey()
        found = self._known.read()
        self.ceilings = found
        if found is None or found.stale:
            self.measure()

    def measure(self) -> None:
        """Measure the ceilings now, alone on the device; one that was higher before stays."""
        limits = Limits("trusted", self._folder / "ceilings", cuda=self._device != "cpu")
        payload = {"device": self._device, "threads": self._supervisor.threads}
        try:
            with (
                Lease(self._device),
                first_in_line(),
                self._supervisor.zygote().spawn(
                    "kernelevo.device.ceilings:serve", payload, limits=limits
                ) as child,
            ):
                found = Ceilings.from_json(child.channel.recv(PATIENCE))
        except (PeerFault, ValueError) as error:
            self.missing = f"the device's ceilings could not be measured: {error}"[:300]
            _log.warning("%s", self.missing)
            return
        self.ceilings = found if self.ceilings is None else self.ceilings.raised(found)
        try:
            self._known.write(self.ceilings)
        except OSError as error:  # a full or read-only disk: they are measured again next time
            _log.warning("the device's ceilings could not be kept: %s", error)

    def _survey(self) -> Work | None:
        case = self._pool.first
        try:
            with self._pool.turn:
                work = survey_work(
                    lambda: self._pool.build(self._pool.base_seed),
                    self._pool.source.inputs(case.seed + 1),
                    case.truth,
                    self._pool.free,
                    case.seed,
                    self._device,
                )
            if self._device != "cpu":
                torch.cuda.empty_cache()  # children need the device's memory
            return work
        except Exception as error:  # a module that cannot be observed runs all the same
            self.missing = f"the reference's work could not be taken down: {type(error).__name__}: {error}"[
                :300
            ]
            _log.warning("%s", self.missing)
            return None

    # ------------------------------------------------------------------ what a verdict says

    def metrics(self, latency: float, precision: str) -> dict[str, Metric]:
        """Return ``roofline_fraction``, ``roofline_ms`` and ``roofline_bound`` of a measured latency.

        With them ``work_flops`` and ``work_bytes``, what the module's own work takes.

        The fraction is the roofline's time over the measured one. It may exceed 1: see ``roofline``.

        Args:
            latency: seconds of one call.
            precision: the program's measured class.
        """
        told: dict[str, Metric] = dict.fromkeys(("roofline_fraction", "roofline_ms", "roofline_bound"))
        line = None
        if self.work is not None and self.ceilings is not None and latency > 0:
            kind = "fp64" if self.work.dtype == "float64" else precision
            moved = self.work.read_bytes + self.work.written_bytes
            line = roofline(self.work.flops, moved, self.ceilings, kind)
        if line is None:
            told["roofline_missing"] = self.missing or "a ceiling that it needs was not measured"
            return told
        told["roofline_fraction"] = line.seconds / latency
        told["roofline_ms"], told["roofline_bound"] = line.seconds * 1e3, line.bound
        assert self.work is not None
        told["work_flops"] = float(self.work.flops)
        told["work_bytes"] = float(self.work.read_bytes + self.work.written_bytes)
        return told

    # ------------------------------------------------------------------ the gate

    def check(self, program: Tally, baseline: Tally) -> None:
        """Refuse a program of which a batch took less time than its bytes need.

        The clock's whole time of a batch counts, the protocol's own share included, and of its calls only
        those on inputs as shipped, which the work was taken down on. Before a program is refused, the
        ceilings are measured anew, and what the baseline reached in the same duel counts as reached.

        Args:
            program: what was seen of it.
            baseline: what was seen of the trusted side.

        Raises:
            Failed: with the status ``rejected`` and both figures.
        """
        if self._impossible(program, baseline) is None:
            return
        self.measure()
        found = self._impossible(program, baseline)
        if found is not None:
            raise Failed(Status.REJECTED, rules.WITHIN_PHYSICS.broken(found))

    def _impossible(self, program: Tally, baseline: Tally) -> str | None:
        """Say which batch is faster than the floor, and by how much; None if none is."""
        floor = Floor.of(self.ceilings) if self.ceilings is not None else None
        work = self.work
        if floor is None or work is None or not baseline.batches:
            return None
        read, written = work.needed_bytes, work.changing_bytes
        # a trusted program keeps clear of the floor by as much as the margin, or the floor is too high
        eager = fastest(floor, read, written, baseline.batches)
        ease = max(1.0, 2.0 * eager[0])
        written = min(written, program.held) if program.held is not None else 0
        share, calls, seconds = fastest(floor, read, written, program.batches)
        if share <= ease:
            return None
        least = floor.seconds(read, written, calls) / ease
        most = calls * (read + written) / least / 1e9
        return (
            f"a batch of calls was faster than this machine can be: {calls} calls on fresh inputs took "
            f"{seconds * 1e6:.3g} us, and at least {least * 1e6:.3g} us is what it needs to read the "
            f"{read * calls:.3g} bytes of inputs that their answers depend on and to write "
            f"{written * calls:.3g} bytes of outputs, at {most:.3g} GB/s, some times what was measured here"
        )


def fastest(
    floor: Floor, read: float, written: float, batches: Sequence[tuple[int, float]]
) -> tuple[float, int, float]:
    """Return of the batch nearest to the floor, or farthest below it: floor / time, its calls and seconds."""
    shares = [(floor.seconds(read, written, n) / s, n, s) for n, s in batches if s > 0]
    return max(shares, default=(0.0, 0, 0.0))

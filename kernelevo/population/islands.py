"""Islands: the whole population, asked for parents and told of verdicts; pure, seeded, rebuilt by replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from kernelevo.core import Trial, Verdict
from kernelevo.errors import BadSetting
from kernelevo.population.island import AddStatus, Island, Member


@dataclass(frozen=True)
class Ask:
    """Whom to build on.

    Args:
        island: island that was chosen.
        parents: programs to change; empty as long as nothing passed.
        inspirations: other elites.
        failures: the latest programs that did not pass, newest first.
    """

    island: int = 0
    parents: tuple[Verdict, ...] = ()
    inspirations: tuple[Verdict, ...] = ()
    failures: tuple[Verdict, ...] = ()


class Islands:
    """A ring of islands. Its state is a function of what it was told, in order; asking changes nothing.

    Only full-fidelity scores make a program a parent, an elite or the best.

    Args:
        count: number of islands.
        elites: size of each island's elite list.
        temperature: flatness of the choice of parents, in ranks (see ``Island``).
        migrate_every: after this many tells each island sends its best program to the next.
        worth_timing: a program slower than this part of the best score is not worth full timing.

    Raises:
        BadSetting: for numbers that make no sense.
    """

    INSPIRATIONS = 2
    FAILURES = 2

    def __init__(
        self,
        count: int = 1,
        *,
        elites: int = 8,
        temperature: float = 3.0,
        migrate_every: int = 40,
        worth_timing: float = 0.8,
    ) -> None:
        if min(count, elites, migrate_every) < 1 or temperature <= 0 or not 0 < worth_timing <= 1:
            raise BadSetting(
                f"islands cannot be {count} with {elites} elites, temperature {temperature}, "
                f"migration every {migrate_every}, worth timing {worth_timing}",
                why="counts are at least 1, the temperature is above 0, the last is in (0, 1]",
            )
        self.islands = [Island(elites=elites, temperature=temperature) for _ in range(count)]
        self._elites, self._migrate_every, self._worth_timing = elites, migrate_every, worth_timing
        self._told = 0
        self._banned: set[str] = set()
        self._pinned: list[str] = []

    @property
    def best(self) -> Member | None:
        """The best member of all islands; of equal scores the earlier trial."""
        leaders = [island.members[0] for island in self.islands if island.members]
        return max(leaders, key=lambda m: (m.score, -m.number), default=None)

    def ranked(self) -> list[Member]:
        """Every member of every island, each program once, best first; of equal scores the earlier trial."""
        found = {m.program.id: m for island in self.islands for m in reversed(island.members)}
        return sorted(found.values(), key=lambda m: (-m.score, m.number))

    def floor(self, island: int = 0) -> float | None:
        """Return the slowest score worth full timing on an island, None if all are.

        Nothing is cut before the elite list is full. Then a score below both the worst elite and 0.8 of the
        best (``worth_timing``) can become neither elite nor, in practice, a parent. The second condition
        keeps room for what is new in kind but not tuned yet, when the elites are variants of one idea.
        """
        elites = self.islands[island].elites
        if len(elites) < self._elites:
            return None
        best = elites[0].score
        # scores of some evaluators are negative (a cost with its sign turned): there only the list decides
        return min(elites[-1].score, self._worth_timing * best) if best > 0 else elites[-1].score

    def ask(self, rng: Random, *, parents: int = 1) -> Ask:
        """Draw an island, parents, inspirations and failures; all randomness comes from ``rng``."""
        chosen = rng.randrange(len(self.islands))
        island = self.islands[chosen]
        if not island.members:  # nothing lives here yet: borrow from where something does
            island = max(self.islands, key=lambda other: len(other.members))
        drawn = island.draw(rng, parents)
        pinned = self._pinned_member(rng)
        if pinned and drawn and rng.random() < 0.5:
            drawn = [pinned, *(v for v in drawn if v.program != pinned.program)][: len(drawn)]
        others = [m.verdict for m in island.elites if all(m.program != v.program for v in drawn)]
        return Ask(
            chosen,
            tuple(drawn),
            tuple(rng.sample(others, min(self.INSPIRATIONS, len(others)))),
            tuple(self.islands[chosen].failures[: self.FAILURES]),
        )

    def tell(self, trial: Trial) -> AddStatus:
        """Take a trial in: a full score may live on its island, a failure is kept for repair."""
        self._told += 1
        status = self._settle(trial)
        if self._told % self._migrate_every == 0:
            self._migrate()
        return status

    def _settle(self, trial: Trial) -> AddStatus:
        evaluation = trial.evaluation
        if evaluation is None or trial.program.id in self._banned:
            return AddStatus.NOT_ADDED
        island = self.islands[trial.island % len(self.islands)]
        verdict = Verdict(trial.program, evaluation)
        if evaluation.score is None:
            if trial.reused is None:
                island.add_failure(verdict)
            return AddStatus.NOT_ADDED
        if evaluation.fidelity != "full":
            return AddStatus.NOT_ADDED
        before = self.best
        status = island.add(Member(trial.number, verdict))
        if status and (before is None or evaluation.score > before.score):
            return AddStatus.BEST
        return status

    def _migrate(self) -> None:
        """Each island's best goes to the next one, all at the same moment."""
        leaders = [island.members[0] if island.members else None for island in self.islands]
        for index, leader in enumerate(leaders):
            if leader:
                self.islands[(index + 1) % len(self.islands)].add(leader)

    def reread(self, change: Callable[[Verdict], Verdict]) -> None:
        """Re-base scores: replace every member's verdict by ``change(verdict)``."""
        for island in self.islands:
            island.reread(change)

    def pin(self, program_id: str) -> None:
        """From now on every other ask builds on this program (on one of them, if several are pinned)."""
        if program_id not in self._pinned:
            self._pinned.append(program_id)

    def ban(self, program_id: str) -> None:
        """Never again a parent, an inspiration, an elite or the best."""
        self._banned.add(program_id)
        if program_id in self._pinned:
            self._pinned.remove(program_id)
        for island in self.islands:
            island.remove(program_id)

    def _pinned_member(self, rng: Random) -> Verdict | None:
        living = (
            {m.program.id: m.verdict for island in self.islands for m in island.members}
            if self._pinned
            else {}
        )
        pinned = [living[name] for name in self._pinned if name in living]
        return rng.choice(pinned) if pinned else None

"""Islands: the whole population, asked for parents and told of verdicts; pure, seeded, rebuilt by replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from kernelevo.core import Evaluation, Objectives, Trial, Verdict, Worth
from kernelevo.errors import BadSetting
from kernelevo.population.ask import Ask, Draw
from kernelevo.population.clusters import Cluster, Yardstick
from kernelevo.population.cold_start import ColdStart, divide
from kernelevo.population.directions import GENERAL
from kernelevo.population.elite_pool import ElitePool
from kernelevo.population.features import Features, Vector
from kernelevo.population.island import Island
from kernelevo.population.law import Law
from kernelevo.population.member import AddStatus, Member, rank
from kernelevo.population.migration import migrant
from kernelevo.population.policy import Policy

GAINS = {AddStatus.BEST: 1.0}
LOCAL_GAIN = 0.3  # an island's own best that is not the best of all


class Islands:
    """A ring of islands. Its state is a function of what it was told, in order; asking changes nothing.

    Only full-fidelity scores make a program a parent, an elite or the best.

    Args:
        count: number of islands.
        policy: how parents are drawn, and what is switched on.
        elites: size of each island's elite list, for the floor of the timing and the proposers' credit.
        worth_timing: a program slower than this part of the best score is not worth full timing.
        directions: regions for the lines of a cold start, in turn.
        features: turns verdicts into vectors.
        objectives: what makes a program better than another one; the score by default.

    Raises:
        BadSetting: for numbers that make no sense.
    """

    INSPIRATIONS = 2
    FAILURES = 2

    def __init__(
        self,
        count: int = 1,
        *,
        policy: Policy | None = None,
        elites: int = 8,
        worth_timing: float = 0.8,
        directions: Sequence[str] = GENERAL,
        features: Features | None = None,
        objectives: Objectives | None = None,
    ) -> None:
        self.objectives = objectives or Objectives()
        if min(count, elites) < 1 or not 0 < worth_timing <= 1:
            raise BadSetting(
                f"islands cannot be {count} with {elites} elites, worth timing {worth_timing}",
                why="counts are at least 1, the last is in (0, 1]",
            )
        policy = policy or Policy()
        self._count = count if policy.islands else 1
        self.policy = replace(policy, islands=self._count > 1)
        self._elites, self._worth_timing = elites, worth_timing
        self._directions, self._features = tuple(directions), features or Features()
        self._vectors: dict[str, Vector] = {}
        self._yardstick = Yardstick()
        self._told = 0
        self._banned: set[str] = set()
        self._pinned: list[str] = []
        self._retired: list[Member] = []
        self._laws: dict[int, Law] = {}
        self._pool: ElitePool | None = None
        self._cold: ColdStart | None = None
        if self.policy.cold_start:
            lines = max(self.policy.lines, self._count)
            self.islands = [self._island() for _ in range(lines + 1)]
            self._cold = ColdStart(self.islands, lines * self.policy.steps)
        else:
            self.islands = [self._island() for _ in range(self._count)]

    def _island(self) -> Island:
        return Island(
            self.policy,
            self._vectors,
            size=self._features.size if self.policy.needs_features else 0,
            yardstick=self._yardstick,
            elites=self._elites,
        )

    # looking

    @property
    def cold(self) -> bool:
        """Whether the cold start is not over; ``islands`` are its lines then, and the common programs."""
        return self._cold is not None

    @property
    def best(self) -> Member | None:
        """The best member of all islands; of equal scores the earlier trial."""
        leaders = [island.members[0] for island in self.islands if island.members]
        return min(leaders, key=rank, default=None)

    @property
    def pool(self) -> ElitePool:
        """The elite pool as it is now."""
        if self._pool is None:
            self._pool = ElitePool(self.islands, self.policy.pool, self.policy.per_cluster)
        return self._pool

    def ranked(self) -> list[Member]:
        """Every member that ever was, each program once, best first; of equal scores the earlier trial."""
        everyone = [*self._retired, *(m for island in self.islands for m in reversed(island.members))]
        return sorted({m.id: m for m in everyone}.values(), key=rank)

    def floor(self, island: int = 0) -> float | None:
        """Return the slowest score worth full timing on an island, None if all are.

        Nothing is cut before the elite list is full. Then a score below both the worst elite and 0.8 of the
        best (``worth_timing``) can become neither elite nor, in practice, a parent. The second condition
        keeps room for what is new in kind but not tuned yet, when the elites are variants of one idea.
        """
        elites = self.islands[island % self._homes].elites
        if len(elites) < self._elites or not self.objectives.by_score:  # a low score may be good elsewhere
            return None
        best = elites[0].score
        # scores of some evaluators are negative (a cost with its sign turned): there only the list decides
        return min(elites[-1].score, self._worth_timing * best) if best > 0 else elites[-1].score

    @property
    def _homes(self) -> int:
        return len(self._cold.lines) if self._cold else len(self.islands)

    # asking

    def ask(self, rng: Random, *, parents: int = 1, turn: int | None = None) -> Ask:
        """Draw an island, parents, inspirations and failures; all randomness comes from ``rng``.

        Args:
            rng: source of the draws.
            parents: how many are wanted.
            turn: number of the ask; during a cold start the lines take turns by it (None draws one).
        """
        if self._cold:
            return self._ask_line(self._cold, rng, parents, turn)
        chosen = self._choose_island(rng)
        island = self.islands[chosen]
        home = chosen
        if not island.members:  # nothing lives here yet: borrow from where something does
            home = max(range(len(self.islands)), key=lambda i: len(self.islands[i].members))
        if not self.islands[home].members:
            draw = Draw("evolve", self.policy.sampler)
            return Ask(chosen, failures=tuple(island.failures[: self.FAILURES]), draw=draw)
        law = self._law(home)
        drawn = law.draw(rng, parents)
        names: int | None = drawn[0][1] if drawn else None
        members = [member for member, _ in drawn]
        adaptive = self.policy.sampler == "adaptive"
        if members and adaptive and self.policy.elites and rng.random() < self.policy.elite_share:
            members, names = self._led(self.pool.draw(rng).member, members), None
        members = self._with_pinned(rng, members)
        fresh = island.fresh > 0
        return Ask(
            chosen,
            tuple(m.verdict for m in members),
            tuple(m.verdict for m in self._inspirations(rng, home, members)),
            tuple(island.failures[: self.FAILURES]),
            self._directions[(chosen + self._told) % len(self._directions)] if fresh else "",
            Draw(
                "fresh" if fresh else "evolve",
                self.policy.sampler,
                names,
                law.temperature if adaptive else None,
                law.diversity,
                law.stagnation,
                law.effective_parents,
                len(self.islands[home].clusters.all),
            ),
        )

    def _ask_line(self, cold: ColdStart, rng: Random, parents: int, turn: int | None) -> Ask:
        line = (rng.randrange(len(cold.lines)) if turn is None else turn) % len(cold.lines)
        drawn = self._with_pinned(rng, cold.draw(rng, line, parents))
        return Ask(
            line,
            tuple(m.verdict for m in drawn),
            (),
            tuple(cold.lines[line].failures[: self.FAILURES]),
            self._directions[line % len(self._directions)],
            Draw("cold start", "tree" if cold.branches(line) else "chain"),
        )

    def _law(self, island: int) -> Law:
        if island not in self._laws:
            self._laws[island] = Law(self.islands[island], self.policy)
        return self._laws[island]

    def _choose_island(self, rng: Random) -> int:
        """A part of the asks is shared alike, the rest goes where gains were; nobody starves."""
        count = len(self.islands)
        if not self.policy.shares or count == 1:
            return rng.randrange(count)
        yields = [island.gain / island.tells if island.tells else 0.0 for island in self.islands]
        total = sum(yields)
        if not total:
            return rng.randrange(count)
        even = self.policy.even
        return rng.choices(range(count), [even / count + (1 - even) * y / total for y in yields])[0]

    def _inspirations(self, rng: Random, home: int, members: Sequence[Member]) -> list[Member]:
        without = {m.id for m in members}
        if self.policy.elites:
            beside = [cluster for m in members[:1] for cluster in self._clusters_of(m)]
            return self.pool.inspirations(rng, self.INSPIRATIONS, beside=beside, without=without)
        others = [m for m in self.islands[home].elites if m.id not in without]
        return rng.sample(others, min(self.INSPIRATIONS, len(others)))

    def _with_pinned(self, rng: Random, members: list[Member]) -> list[Member]:
        if not (self._pinned and members):
            return members
        # an island that started anew may have given up a program that somebody wants to be built on
        known = {m.id: m for m in (*self._retired, *(m for i in self.islands for m in i.members))}
        pinned = [known[name] for name in self._pinned if name in known]
        if not pinned or rng.random() >= 0.5:
            return members
        return self._led(rng.choice(pinned), members)

    def _led(self, leader: Member, members: list[Member]) -> list[Member]:
        """Return as many parents with another one first; where it can be, the next is not of its cluster."""
        others = [m for m in members if m.id != leader.id]
        if self.policy.distant:
            own = self._clusters_of(leader)
            others.sort(key=lambda m: any(cluster in own for cluster in self._clusters_of(m)))
        return [leader, *others][: len(members)]

    def _clusters_of(self, member: Member) -> list[Cluster]:
        """Return the clusters in which a program lives: an elite may live elsewhere, a migrant on several."""
        lived = (island.clusters.of(member.id) for island in self.islands)
        return [cluster for cluster in lived if cluster is not None]

    # telling

    def tell(self, trial: Trial) -> AddStatus:
        """Take a trial in: a full score may live on its island, a failure is kept for repair."""
        self._told += 1
        self._forget_draws()
        home = self._cold.home(trial) if self._cold else self.islands[trial.island % len(self.islands)]
        for parent in trial.program.parents:
            home.visit(parent)
        before = home.members[0].value if home.members else None
        status = self._settle(trial, home)
        gained = status and (before is None or home.members[0].value > before)
        home.note(GAINS.get(status, LOCAL_GAIN) if gained else 0.0)
        if self._cold:
            self._cold.told(trial)
            if self._cold.left <= 0:
                self._end_cold_start(self._cold)
            return status
        if self.policy.migration and self._told % self.policy.migrate_every == 0:
            self._migrate()
        if self.policy.restart:
            self._restart()
        return status

    def _settle(self, trial: Trial, home: Island) -> AddStatus:
        evaluation = trial.evaluation
        if evaluation is None or trial.program.id in self._banned:
            return AddStatus.NOT_ADDED
        verdict = Verdict(trial.program, evaluation)
        if evaluation.score is None:
            if trial.reused is None:
                home.add_failure(verdict)
            return AddStatus.NOT_ADDED
        if evaluation.fidelity != "full":
            return AddStatus.NOT_ADDED
        before = self.best
        if self.policy.needs_features and trial.program.id not in self._vectors:
            vector = self._features(verdict)
            self._vectors[trial.program.id] = vector
            self._yardstick.add(vector)
        newcomer = self._valued(Member(trial.number, verdict))
        status = home.add(newcomer)
        if status and (before is None or newcomer.value > before.value):
            return AddStatus.BEST
        return status

    def _valued(self, member: Member) -> Member:
        """Return a member that is ranked as the task wants it."""
        if self.objectives.by_score:
            return member
        return replace(member, worth=self.objectives.worth(member.verdict.evaluation))

    def worth(self, evaluation: Evaluation) -> Worth:
        """Return what a verdict is worth in this population; compared from the left, higher is better."""
        return self.objectives.worth(evaluation)

    def _forget_draws(self) -> None:
        self._laws.clear()
        self._pool = None

    def _end_cold_start(self, cold: ColdStart) -> None:
        """Each island gets one set of clusters of the pool, and the failures of the line of its number."""
        pool = [m for island in self.islands for m in island.members]
        children = {name: n for island in self.islands for name, n in island.children.items()}
        sets = divide(pool, self._count, self._vectors)
        self._cold = None
        self.islands = [self._island() for _ in range(self._count)]
        for index, island in enumerate(self.islands):
            for member in sorted(sets[index] if index < len(sets) else [], key=lambda m: m.number):
                island.add(member)
                for _ in range(children.get(member.id, 0)):
                    island.visit(member.id)
            for verdict in reversed(cold.lines[index].failures):
                island.add_failure(verdict)
        self._forget_draws()

    def _migrate(self) -> None:
        """Each island sends one program to the next, all at the same moment."""
        count = len(self.islands)
        ring = [(self.islands[i], self.islands[(i + 1) % count]) for i in range(count) if count > 1]
        chosen = [migrant(one, two, self._vectors, self._yardstick.mean) for one, two in ring]
        for member, (_, target) in zip(chosen, ring, strict=True):
            if member:
                target.add(member)

    def _restart(self) -> None:
        """An island that brought nothing for long keeps its elites, gets a foreign one, and starts anew."""
        best = self.best
        for index, island in enumerate(self.islands):
            # a copy of the best does not keep an island alive: its home does not die
            holds_best = any(best and m.id == best.id and not m.migrant for m in island.members[:1])
            if len(self.islands) == 1 or holds_best or island.stale < self.policy.dead_after:
                continue
            kept = [e.member for e in self.pool.all if e.island == index] if self.policy.elites else []
            foreign = [e.member for e in self.pool.all if e.island != index]
            if foreign and self.policy.elites:
                chosen = foreign[self._told % len(foreign)]
                kept.append(replace(chosen, migrant=True))
            self._retired += [m for m in island.members if m.id not in {k.id for k in kept}]
            anew = self._island()
            anew.fresh = self.policy.fresh
            for member in sorted(kept, key=lambda m: m.number):
                anew.add(member)
            for verdict in reversed(island.failures):
                anew.add_failure(verdict)
            self.islands[index] = anew
            self._forget_draws()

    def reread(self, change: Callable[[Verdict], Verdict], program_id: str | None = None) -> None:
        """Replace every member's verdict, or that of one program alone, by ``change(verdict)``."""

        def changed(member: Member) -> Member:
            return self._valued(replace(member, verdict=change(member.verdict)))

        for island in self.islands:
            island.reread(changed, program_id)
        self._retired = [changed(m) if program_id in (None, m.id) else m for m in self._retired]
        self._forget_draws()

    def reweigh(self, metric: str, weight: float) -> None:
        """Rank everybody anew, a metric of the weighted sum having another weight; ValueError without one."""
        self.objectives = self.objectives.weighing(metric, weight)
        self.reread(lambda verdict: verdict)

    def pin(self, program_id: str) -> None:
        """From now on every other ask builds on this program (on one of them, if several are pinned)."""
        if program_id not in self._pinned:
            self._pinned.append(program_id)

    def unpin(self, program_id: str) -> bool:
        """Draw a pinned program like any other again; return whether it was pinned."""
        if program_id not in self._pinned:
            return False
        self._pinned.remove(program_id)
        return True

    def ban(self, program_id: str) -> None:
        """Never again a parent, an inspiration, an elite or the best."""
        self._banned.add(program_id)
        if program_id in self._pinned:
            self._pinned.remove(program_id)
        for island in self.islands:
            island.remove(program_id)
        self._retired = [m for m in self._retired if m.id != program_id]
        self._forget_draws()

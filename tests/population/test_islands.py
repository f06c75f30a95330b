"""Islands: ranks, elites, floors, migration, pins and bans; and that replay rebuilds everything."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kernelevo.core import Evaluation, Fault, Origin, Program, Status, Trial, Verdict
from kernelevo.errors import BadSetting
from kernelevo.population import SAMPLERS, AddStatus, Ask, Islands, Policy
from kernelevo.population.law import Law

WARM = Policy(cold_start=False, clusters=False)  # texts of these tests are all alike
GREEDY = Policy(cold_start=False, clusters=False, pressure=False, coldest=0.3, hottest=0.3, elite_share=0.0)


def trial(number: int, score: float | None, text: str | None = None, **more: object) -> Trial:
    fidelity = more.pop("fidelity", "full")
    verdict = (
        Evaluation(Status.OK, score, fidelity=fidelity)  # type: ignore[arg-type]
        if score is not None
        else Evaluation.wrong(f"failure {number}")
    )
    program = Program.single(text or f"p{number}", origin=Origin("stub"))
    return Trial(number, program, verdict, **more)  # type: ignore[arg-type]


def told(scores: list[float | None], **options: object) -> Islands:
    islands = Islands(**{"policy": WARM, **options})  # type: ignore[arg-type]
    for number, score in enumerate(scores):
        islands.tell(trial(number, score))
    return islands


def sources(verdicts: tuple[Verdict, ...]) -> list[str]:
    return [v.program.source for v in verdicts]


def test_statuses() -> None:
    islands = Islands(elites=2, policy=WARM)
    answers = [islands.tell(trial(n, s)) for n, s in enumerate([1.0, 3.0, 2.0, 0.5, None])]
    assert answers == [AddStatus.BEST, AddStatus.BEST, AddStatus.ELITE, AddStatus.ADDED, AddStatus.NOT_ADDED]
    assert islands.tell(trial(5, 9.0, "p1", reused=1)) is AddStatus.NOT_ADDED  # the same program again
    assert islands.tell(trial(6, 9.0, fidelity="rough")) is AddStatus.NOT_ADDED
    assert islands.tell(Trial(7, Program.single("f"), fault=Fault("E", "m"))) is AddStatus.NOT_ADDED
    assert islands.tell(trial(8, 3.0)) is AddStatus.ELITE  # equal to the best is not better
    assert islands.best is not None and islands.best.number == 1
    assert not AddStatus.NOT_ADDED and AddStatus.ADDED


def test_nothing_yet_is_a_cold_start() -> None:
    assert Islands(policy=WARM).ask(Random(0)) == Ask()
    only_failures = told([None, None, None])
    asked = only_failures.ask(Random(0), parents=2)
    assert asked.parents == () and sources(asked.failures) == ["p2", "p1"]
    assert only_failures.best is None and only_failures.floor() is None


def test_floor_cuts_only_what_can_become_neither_elite_nor_parent() -> None:
    assert told([1.0, 2.0], elites=3).floor() is None
    assert told([1.0, 2.0, 3.0], elites=3).floor() == 1.0  # the worst elite is below 0.8 of the best
    assert told([2.9, 2.95, 3.0], elites=3).floor() == pytest.approx(2.4)
    assert told([2.9, 2.95, 3.0], elites=3, worth_timing=0.5).floor() == pytest.approx(1.5)
    assert told([-3.0, -1.0], elites=2).floor() == -3.0


def test_pins_get_half_of_the_asks_and_bans_none() -> None:
    islands = told([float(n) for n in range(30)], policy=GREEDY)
    worst = Program.single("p0").id
    assert all(sources(islands.ask(Random(n)).parents) != ["p0"] for n in range(300))
    islands.pin(worst)
    share = sum(sources(islands.ask(Random(n)).parents) == ["p0"] for n in range(1000)) / 1000
    assert share == pytest.approx(0.5, abs=0.06)
    best = Program.single("p29").id
    islands.ban(best)
    islands.ban(worst)
    assert islands.best is not None and islands.best.number == 28
    assert islands.tell(trial(99, 1000.0, "p29")) is AddStatus.NOT_ADDED
    for seed in range(200):
        asked = islands.ask(Random(seed), parents=2)
        assert not {"p0", "p29"} & set(sources(asked.parents + asked.inspirations))


def test_rereading_ranks_anew() -> None:
    islands = told([1.0, 2.0, 3.0])

    def halve_the_best(verdict: Verdict) -> Verdict:
        score = verdict.evaluation.score or 0.0
        return Verdict(verdict.program, Evaluation.ok(score / 2 if score == 3.0 else score))

    islands.reread(halve_the_best)
    assert [m.score for m in islands.islands[0].members] == [2.0, 1.5, 1.0]
    assert islands.best is not None and islands.best.number == 1


def test_rereading_one_program_leaves_the_others_alone() -> None:
    islands = Islands(2, policy=WARM)
    for number, score in enumerate([1.0, 2.0, 3.0, 4.0]):
        islands.tell(trial(number, score, island=number % 2))
    asked = []

    def raised(verdict: Verdict) -> Verdict:
        asked.append(verdict.program.source)
        return Verdict(verdict.program, Evaluation.ok(9.0))

    islands.reread(raised, Program.single("p1").id)
    assert asked == ["p1"]
    first, second = islands.islands
    assert [m.score for m in first.members] == [3.0, 1.0] and [m.score for m in second.members] == [9.0, 4.0]
    (cluster,) = second.clusters.all
    assert [m.program.source for m in cluster.members] == ["p1", "p3"]
    assert islands.best is not None and islands.best.number == 1
    islands.reread(raised, "nobody")
    assert asked == ["p1"]


def test_senseless_sizes_are_refused() -> None:
    for options in (
        {"count": 0},
        {"elites": 0},
        {"worth_timing": 2},
    ):
        with pytest.raises(BadSetting):
            Islands(**options)  # type: ignore[arg-type]


def test_asks_stay_quick_with_many_members() -> None:
    import time

    islands = told([float(n * 7919 % 10007) for n in range(5_000)])
    began = time.perf_counter()
    for seed in range(100):
        islands.ask(Random(seed), parents=2)
    assert time.perf_counter() - began < 1.0  # 0.02 s on an idle core


EVERYTHING = [
    Policy(sampler=sampler, lines=2, steps=2, patience=2, dead_after=3, fresh=2, most_clusters=3, window=4)
    for sampler in SAMPLERS
]


class Told(RuleBasedStateMachine):
    """Whatever is told: ranks are ordered, the best is never lost, a replay is the same population."""

    @initialize(
        count=st.integers(1, 3),
        elites=st.integers(1, 4),
        every=st.integers(1, 5),
        policy=st.sampled_from([*EVERYTHING, Policy(cold_start=False), Policy()]),
    )
    def start(self, count: int, elites: int, every: int, policy: Policy) -> None:
        self.make = lambda: Islands(
            count, elites=elites, policy=replace(policy, migrate_every=every, pool=2 * elites)
        )
        self.count = count
        self.islands = self.make()
        self.past: list[Trial | str] = []
        self.full: dict[str, float] = {}
        self.banned: set[str] = set()

    @rule(
        name=st.integers(0, 15),
        score=st.none() | st.integers(-3, 3).map(float),
        rough=st.booleans(),
        island=st.integers(0, 2),
    )
    def tell(self, name: int, score: float | None, rough: bool, island: int) -> None:
        text = f"program {name}"
        if text in self.full:
            score, rough = self.full[text], False  # a known program keeps its verdict
        one = trial(
            len(self.past), score, text, island=island % self.count, fidelity="rough" if rough else "full"
        )
        before = self.islands.best
        status = self.islands.tell(one)
        self.past.append(one)
        if score is not None and not rough and text not in self.banned:
            self.full[text] = score
            assert (status is AddStatus.BEST) == (before is None or score > before.score)
        else:
            assert status is AddStatus.NOT_ADDED

    @rule(name=st.integers(0, 15))
    def ban(self, name: int) -> None:
        text = f"program {name}"
        program = Program.single(text)
        self.islands.ban(program.id)
        self.past.append(program.id)
        self.banned.add(text)
        self.full.pop(text, None)

    @invariant()
    def best_is_the_best_of_all(self) -> None:
        best = self.islands.best
        assert (best.score if best else None) == max(self.full.values(), default=None)

    @invariant()
    def members_are_ranked_distinct_and_full(self) -> None:
        for island in self.islands.islands:
            scores = [m.score for m in island.members]
            assert scores == sorted(scores, reverse=True)
            names = [m.program.source for m in island.members]
            assert len(set(names)) == len(names) and all(
                self.full[n] == s for n, s in zip(names, scores, strict=True)
            )
            assert island.elites == island.members[: len(island.elites)]
        everyone = [m.program.source for m in self.islands.ranked()]
        assert len(everyone) == len(set(everyone)) and set(everyone) == set(self.full)

    @invariant()
    def clusters_hold_each_member_once_and_the_best_first(self) -> None:
        for island in self.islands.islands:
            held = [m.id for cluster in island.clusters.all for m in cluster.members]
            assert sorted(held) == sorted(m.id for m in island.members)
            for cluster in island.clusters.all:
                assert [m.score for m in cluster.members] == sorted(
                    (m.score for m in cluster.members), reverse=True
                )
                assert all(island.clusters.of(m.id) is cluster for m in cluster.members)

    @invariant()
    def the_pool_holds_every_leader_and_is_no_larger_than_it_may_be(self) -> None:
        pool = [elite.member.id for elite in self.islands.pool.all]
        leaders = {island.members[0].id for island in self.islands.islands if island.members}
        assert len(pool) == len(set(pool)) <= max(self.islands.policy.pool, len(leaders))
        assert leaders <= set(pool)

    @invariant()
    def laws_are_probabilities_and_parents_are_distinct_members(self) -> None:
        policy = self.islands.policy
        for island in self.islands.islands:
            if not island.members:
                continue
            law = Law(island, policy)
            assert policy.coldest <= law.temperature <= policy.hottest * 1.000001
            assert 1 - 1e-9 <= law.effective_parents <= len(island.members) + 1e-9
            assert 0 <= law.stagnation <= 1 and 0 <= (law.diversity or 0) <= 1
        asked = self.islands.ask(Random(3), parents=2, turn=len(self.past))
        ids = [v.program.id for v in asked.parents + asked.inspirations]
        assert len(ids) == len(set(ids)) and not set(ids) & {Program.single(t).id for t in self.banned}
        assert len(asked.parents) <= 2 and (asked.parents or not self.full or self.islands.cold)

    @invariant()
    def the_same_seed_asks_the_same_also_after_a_replay(self) -> None:
        again = self.make()
        for entry in self.past:
            again.ban(entry) if isinstance(entry, str) else again.tell(entry)
        for seed in (1, 2):
            assert self.islands.ask(Random(seed), parents=2) == again.ask(Random(seed), parents=2)
            assert self.islands.floor() == again.floor()


TestTold = Told.TestCase
TestTold.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)

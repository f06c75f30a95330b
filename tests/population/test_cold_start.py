"""Cold start: steered lines that build on their own, whose pool becomes the islands."""

from collections import Counter
from dataclasses import replace
from random import Random

from kernelevo.core import Evaluation, Origin, Program, Trial
from kernelevo.population import DEFAULT, Islands, Policy
from tests.population.conftest import family_of, source, told

DIRECTIONS = ("north", "east", "south", "west")
COLD = Policy(lines=4, steps=4)


def lines(count: int = 4, policy: Policy = COLD, trials: int = 16) -> Islands:
    """Each line writes programs of its own family; later variants are better."""
    islands = Islands(count, policy=policy, directions=DIRECTIONS)
    for number in range(trials):
        asked = islands.ask(Random(number), turn=number)
        program = Program.single(source(asked.island, number), origin=Origin("stub"))
        islands.tell(Trial(number, program, Evaluation.ok(1.0 + number % 7), island=asked.island))
    return islands


def test_lines_are_steered_apart_and_take_turns() -> None:
    islands = Islands(2, policy=COLD, directions=DIRECTIONS)
    asked = [islands.ask(Random(0), turn=turn) for turn in range(5)]
    assert [a.island for a in asked] == [0, 1, 2, 3, 0]
    assert [a.direction for a in asked] == [*DIRECTIONS, "north"]
    assert all(a.parents == () and a.draw.phase == "cold start" for a in asked)
    assert [a.draw.sampler for a in asked[:4]] == ["chain", "chain", "chain", "tree"]


def test_a_line_builds_on_its_own_best_and_sees_its_own_failures() -> None:
    islands = lines(trials=12)
    assert islands.cold
    for line in range(3):
        asked = islands.ask(Random(1), turn=line)
        own = islands.islands[line].members
        assert [v.program for v in asked.parents] == [own[0].program]
    failed = Program.single("bad", origin=Origin("stub"))
    islands.tell(Trial(50, failed, Evaluation.wrong("why"), island=1))
    assert [v.program.source for v in islands.ask(Random(1), turn=1).failures] == ["bad"]
    assert islands.ask(Random(1), turn=2).failures == ()


def test_a_tree_branches() -> None:
    islands = lines(policy=replace(DEFAULT, lines=4, steps=20), trials=24)
    drawn = Counter(islands.ask(Random(n), turn=3).parents[0].program.id for n in range(600))
    assert len(drawn) == len(islands.islands[3].members) > 3
    assert max(drawn.values()) < 1.5 * min(drawn.values())  # all alike
    both = islands.ask(Random(0), turn=3, parents=2).parents
    assert len({verdict.program.id for verdict in both}) == 2
    assert len({islands.ask(Random(n), turn=2).parents[0].program.id for n in range(40)}) == 1


def test_seeds_and_a_persons_programs_join_every_line_and_the_pool() -> None:
    islands = Islands(2, policy=Policy(lines=2, steps=2), directions=DIRECTIONS)
    for number, who in enumerate(("seed", "person")):
        program = Program.single(source(5, number), origin=Origin(who))
        islands.tell(Trial(number, program, Evaluation.ok(5.0 + number)))
    assert [islands.ask(Random(0), turn=n).parents[0].program.source for n in (0, 1)] == [source(5, 1)] * 2
    told(islands, [(0, 0, 1.0), (1, 1, 1.0), (0, 1, 2.0)], first=2)
    assert islands.cold
    told(islands, [(1, 2, 2.0)], first=5, island=1)
    assert not islands.cold
    assert {family_of(m.verdict) for m in islands.ranked()} == {0, 1, 5}


def test_the_pool_is_divided_by_likeness_into_as_many_sets_as_islands() -> None:
    islands = lines()
    assert not islands.cold and len(islands.islands) == 4
    homes = [{family_of(m.verdict) for m in island.members} for island in islands.islands]
    assert sorted(map(tuple, homes)) == [(0,), (1,), (2,), (3,)]
    assert sum(len(island.members) for island in islands.islands) == 16
    assert islands.ask(Random(0), turn=20).direction == ""
    fewer = lines(count=2)
    homes = [{family_of(m.verdict) for m in island.members} for island in fewer.islands]
    assert not homes[0] & homes[1] and homes[0] | homes[1] == {0, 1, 2, 3}


def test_without_clusters_the_pool_is_dealt_out_by_rank() -> None:
    islands = lines(count=2, policy=Policy(lines=4, steps=4, clusters=False))
    first, second = (island.members for island in islands.islands)
    assert abs(len(first) - len(second)) <= 1
    assert first[0].score == second[0].score == 7.0


def test_no_cold_start_begins_with_the_islands() -> None:
    islands = Islands(2, policy=Policy(cold_start=False), directions=DIRECTIONS)
    assert not islands.cold and len(islands.islands) == 2
    assert islands.ask(Random(0), turn=0).direction == ""


def test_a_verdict_that_comes_late_finds_a_home() -> None:
    islands = lines()
    late = Program.single(source(3, 99), origin=Origin("stub"))
    assert islands.tell(Trial(99, late, Evaluation.ok(3.0), island=3))
    assert any(late in island for island in islands.islands)
    assert islands.floor(5) is None

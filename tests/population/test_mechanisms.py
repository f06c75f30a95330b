"""Each mechanism of the population, and that its switch changes what happens."""

import json
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from kernelevo.core import Evaluation, Origin, Program, Trial
from kernelevo.errors import BadSetting
from kernelevo.population import SAMPLERS, Islands, Policy
from kernelevo.population.law import Law
from kernelevo.population.pressure import standard_ranks, temperature
from tests.population.conftest import family_of, source, told

WARM = Policy(cold_start=False)
LONE = replace(WARM, islands=False, coldest=0.2, hottest=1.5, depth=3.0)  # mild, so that all is seen
FOUR_FAMILIES = [(n % 4, n // 4, 1.0 + 0.1 * n) for n in range(16)]


def parents(islands: Islands, draws: int = 400, count: int = 1) -> Counter[str]:
    asked = [islands.ask(Random(n), parents=count).parents for n in range(draws)]
    return Counter(v.program.source for drawn in asked for v in drawn)


# clusters, diversity, pressure


def test_clusters_are_the_families() -> None:
    (island,) = told(Islands(policy=LONE), FOUR_FAMILIES).islands
    groups = [{family_of(m.verdict) for m in cluster.members} for cluster in island.clusters.all]
    assert sorted(map(tuple, groups)) == [(0,), (1,), (2,), (3,)]
    (one,) = told(Islands(policy=replace(LONE, clusters=False)), FOUR_FAMILIES).islands
    assert len(one.clusters.all) == 1


def test_clusters_are_the_same_after_a_full_clustering() -> None:
    rows = [(n % 5, n // 5, float(n * 7 % 61)) for n in range(150)]
    (island,) = told(Islands(policy=LONE), rows).islands
    assert [len(c.members) for c in island.clusters.all] == [30] * 5
    assert all(len({family_of(m.verdict) for m in c.members}) == 1 for c in island.clusters.all)


def test_a_collapse_of_diversity_raises_the_temperature() -> None:
    islands = told(Islands(policy=LONE), FOUR_FAMILIES)
    before = islands.ask(Random(0)).draw
    told(islands, [(0, n, 0.5 + 0.01 * n) for n in range(100, 160)], first=16)
    (island,) = islands.islands
    island.stale = 0  # diversity alone
    islands.tell(Trial(99, Program.single(source(0, 500), origin=Origin("stub")), Evaluation.ok(99.0)))
    after = islands.ask(Random(0)).draw
    assert before.diversity and after.diversity is not None and before.temperature and after.temperature
    assert after.diversity < before.diversity - 0.3
    assert after.temperature > 1.5 * before.temperature
    fixed = Islands(policy=replace(LONE, pressure=False))
    told(fixed, FOUR_FAMILIES)
    cool = fixed.ask(Random(0)).draw.temperature
    told(fixed, [(0, n, 0.5) for n in range(100, 160)], first=16)
    assert fixed.ask(Random(0)).draw.temperature == cool


def test_pressure_falls_with_diversity_and_with_stagnation() -> None:
    hot = [temperature(WARM, d / 10, 0.0) for d in range(11)]
    assert hot == sorted(hot, reverse=True) and hot[0] > 3 * hot[-1]
    assert temperature(WARM, 0.9, 1.0) > temperature(WARM, 0.9, 0.0)
    assert temperature(WARM, 0.0, 1.0) == pytest.approx(WARM.hottest, rel=0.05)


def test_a_hotter_law_has_more_effective_parents() -> None:
    (island,) = told(Islands(policy=LONE), FOUR_FAMILIES).islands
    cold, warm = (Law(island, replace(LONE, coldest=t, hottest=t)).effective_parents for t in (0.2, 3.0))
    assert 1 <= cold < warm <= 16


def test_effective_parents_is_what_draws_show() -> None:
    islands = told(Islands(policy=replace(LONE, elite_share=0.0)), FOUR_FAMILIES)
    seen = parents(islands, 6000)
    found = 1 / sum((n / 6000) ** 2 for n in seen.values())
    assert islands.ask(Random(0)).draw.effective_parents == pytest.approx(found, rel=0.08)


def test_scores_count_by_rank_only() -> None:
    assert standard_ranks([1.0, 1.0, 1.0]) == [0.0, 0.0, 0.0]
    assert standard_ranks([3.0, 1.0, 1e9]) == standard_ranks([2.0, -5.0, 2.1])
    outlier = [(f, v, 1e6 if (f, v) == (3, 3) else s) for f, v, s in FOUR_FAMILIES]
    plain, far = (told(Islands(policy=LONE), rows) for rows in (FOUR_FAMILIES, outlier))
    assert parents(plain) == parents(far)


def test_visits_are_discounted() -> None:
    islands = told(Islands(policy=replace(LONE, elite_share=0.0)), FOUR_FAMILIES)
    best = Program.single(source(3, 3))
    before = parents(islands)[best.source]
    for number in range(30):
        child = Program.single(f"child {number}", parents=(best.id,), origin=Origin("stub"))
        islands.tell(Trial(100 + number, child, Evaluation.wrong("no")))
    (island,) = islands.islands
    assert island.children[best.id] == 30
    island.stale = 0
    islands._forget_draws()
    assert parents(islands)[best.source] < before / 2


# samplers


def test_samplers_draw_from_whom_they_say() -> None:
    ranked = [source(f, v) for f, v, _ in reversed(FOUR_FAMILIES)]
    drawn = {
        name: parents(told(Islands(policy=replace(LONE, sampler=name)), FOUR_FAMILIES)) for name in SAMPLERS
    }
    assert set(drawn["topk"]) == set(ranked[:5])
    assert set(drawn["random"]) == set(ranked)
    assert set(drawn["refine"]) == {ranked[0]}
    assert set(drawn["best_of_n"]) == {ranked[-1]}
    assert drawn["adaptive"][ranked[0]] > 2 * drawn["random"][ranked[0]]
    assert len(drawn["adaptive"]) > 5
    with pytest.raises(BadSetting, match="did you mean 'topk'"):
        Policy(sampler="topq")


@pytest.mark.parametrize(
    "wrong", [{"lines": 0}, {"target": 1.5}, {"coldest": 2.0, "hottest": 1.0}, {"depth": 0.0}, {"top": 0}]
)
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadSetting):
        Policy(**wrong)  # type: ignore[arg-type]


# two parents, elites


def test_a_second_parent_comes_from_another_cluster() -> None:
    def mixed(policy: Policy) -> float:
        islands = told(Islands(policy=policy), FOUR_FAMILIES)
        drawn = [islands.ask(Random(n), parents=2).parents for n in range(300)]
        return sum(family_of(a) != family_of(b) for a, b in drawn) / 300

    plain = replace(LONE, elite_share=0.0)
    assert mixed(plain) == 1.0
    assert mixed(replace(plain, distant=False)) < 0.95


def test_a_second_parent_beside_an_elite_or_a_pinned_program_is_of_another_cluster_too() -> None:
    def families(islands: Islands) -> list[tuple[int, ...]]:
        asked = [islands.ask(Random(n), parents=2).parents for n in range(300)]
        assert all(len(drawn) == 2 and drawn[0].program != drawn[1].program for drawn in asked)
        return [tuple(family_of(v) for v in drawn) for drawn in asked]

    elites = told(Islands(policy=replace(LONE, elite_share=1.0)), FOUR_FAMILIES)
    assert all(a != b for a, b in families(elites))
    pinned = told(Islands(policy=replace(LONE, elite_share=0.0)), FOUR_FAMILIES)
    pinned.pin(Program.single(source(3, 3)).id)
    assert all(a != b for a, b in families(pinned))
    near = told(Islands(policy=replace(LONE, elite_share=1.0, distant=False)), FOUR_FAMILIES)
    assert any(a == b for a, b in families(near))


def test_inspirations_are_elites_of_other_clusters() -> None:
    islands = told(Islands(policy=replace(LONE, elite_share=0.0)), FOUR_FAMILIES)
    for n in range(50):
        asked = islands.ask(Random(n))
        (parent,) = asked.parents
        assert len(asked.inspirations) == 2
        assert all(family_of(v) != family_of(parent) for v in asked.inspirations)
    without = told(Islands(policy=replace(LONE, elites=False), elites=2), FOUR_FAMILIES)
    kept = {v.program.source for n in range(50) for v in without.ask(Random(n)).inspirations}
    assert kept <= {source(3, 3), source(2, 3)}


def test_inspirations_of_a_parent_from_another_island_are_of_other_clusters() -> None:
    policy = replace(WARM, elite_share=0.0, migration=False, restart=False, shares=False)
    islands = Islands(2, policy=policy)
    told(islands, [(f, 0, 1.0 + f) for f in range(3)], island=0)
    told(islands, [(3, n, 5.0 + n) for n in range(4)], first=3, island=1)
    pinned = Program.single(source(3, 3))
    islands.pin(pinned.id)
    seen = set()
    for n in range(80):
        asked = islands.ask(Random(n))
        if asked.parents[0].program == pinned:
            seen.add(asked.island)
            assert 3 not in {family_of(v) for v in asked.inspirations}
            assert len(asked.inspirations) == 2
    assert seen == {0, 1}


def test_the_pool_caps_clusters_and_gives_parents() -> None:
    policy = replace(LONE, elite_share=1.0, pool=6)
    islands = told(Islands(policy=policy), [(f, 0, 1.0 + f) for f in (1, 2, 3)])
    told(islands, [(0, n, 10.0 + n) for n in range(20)], first=3)
    held = [family_of(e.member.verdict) for e in islands.pool.all]
    assert Counter(held) == {0: 2, 1: 1, 2: 1, 3: 1}
    assert {s for s in parents(islands)} == {e.member.program.source for e in islands.pool.all}


# several islands


def spread_out(policy: Policy, count: int = 3) -> Islands:
    islands = Islands(count, policy=policy)
    for index in range(count):
        told(islands, [(index, v, 1.0 + index + 0.1 * v) for v in range(4)], first=10 * index, island=index)
    return islands


def test_islands_are_apart_unless_switched_off() -> None:
    policy = replace(WARM, migration=False, elites=False)
    islands = spread_out(policy)
    for n in range(100):
        asked = islands.ask(Random(n))
        assert {family_of(v) for v in asked.parents} == {asked.island}
    assert len(Islands(3, policy=replace(policy, islands=False)).islands) == 1


def test_migration_sends_what_is_new_there_once_round_the_ring() -> None:
    islands = spread_out(replace(WARM, migrate_every=12))
    copies = [[m for m in island.members if m.migrant] for island in islands.islands]
    assert [[family_of(m.verdict) for m in some] for some in copies] == [[2], [0], [1]]
    told(islands, [(0, 50 + n, 0.1) for n in range(12)], first=50)
    for island in islands.islands:  # copies never go on, and what lives there does not come again
        assert len({m.id for m in island.members}) == len(island.members)
    second = [m for m in islands.islands[2].members if m.migrant]
    assert {family_of(m.verdict) for m in second} == {
        1
    }  # family 0 reached island 1 as a copy and stays there
    still = spread_out(replace(WARM, migrate_every=12, migration=False))
    assert not any(m.migrant for island in still.islands for m in island.members)


def test_asks_move_to_the_island_that_gains() -> None:
    def share(policy: Policy) -> float:
        islands = spread_out(replace(policy, migration=False))
        told(islands, [(2, 10 + n, 10.0 + n) for n in range(20)], first=100, island=2)
        for idle in (0, 1):
            told(islands, [(idle, 10 + n, 0.1) for n in range(20)], first=200, island=idle)
        return sum(islands.ask(Random(n)).island == 2 for n in range(600)) / 600

    assert share(WARM) > 0.5
    assert share(replace(WARM, shares=False)) == pytest.approx(1 / 3, abs=0.06)


def test_a_dead_island_starts_anew_from_elites_and_nothing_is_lost() -> None:
    policy = replace(WARM, migration=False, dead_after=10, fresh=4)
    islands = spread_out(policy)
    everyone = {m.id for m in islands.ranked()}
    told(islands, [(0, 20 + n, 0.01 * n) for n in range(14)], first=200, island=0)
    island = islands.islands[0]
    assert {family_of(m.verdict) for m in island.members} > {0}  # its own elites, and a foreign one
    assert len(island.members) < 12
    assert everyone <= {m.id for m in islands.ranked()}
    assert islands.best is not None and islands.best.score == pytest.approx(3.3)
    alive = spread_out(replace(policy, restart=False))
    told(alive, [(0, 20 + n, 0.01 * n) for n in range(14)], first=200, island=0)
    assert len(alive.islands[0].members) == 18
    fresh = spread_out(policy)
    told(fresh, [(0, 20 + n, 0.01 * n) for n in range(10)], first=200, island=0)
    asked = [fresh.ask(Random(n)) for n in range(60)]
    assert {bool(a.direction) for a in asked if a.island == 0} == {True}
    assert {bool(a.direction) for a in asked if a.island != 0} == {False}
    assert {a.draw.phase for a in asked if a.island == 0} == {"fresh"}


@pytest.mark.parametrize("elites", [False, True])
def test_a_pin_outlives_the_island_on_which_its_program_lived(elites: bool) -> None:
    policy = replace(WARM, migration=False, elites=elites, dead_after=10, fresh=4, pool=3)
    islands = spread_out(policy)
    pinned = Program.single(source(0, 0))
    islands.pin(pinned.id)
    told(islands, [(0, 20 + n, 0.01 * n) for n in range(14)], first=200, island=0)
    assert not any(pinned in island for island in islands.islands)
    share = sum(islands.ask(Random(n)).parents[0].program == pinned for n in range(400)) / 400
    assert share == pytest.approx(0.5, abs=0.08)
    islands.ban(pinned.id)
    assert all(islands.ask(Random(n)).parents[0].program != pinned for n in range(100))
    islands.unpin(pinned.id)
    assert islands.ask(Random(0)).parents


def test_a_draw_is_plain_data() -> None:
    data = told(Islands(policy=LONE), FOUR_FAMILIES).ask(Random(1)).draw.to_json()
    assert json.loads(json.dumps(data)) == data
    assert {"temperature", "diversity", "effective_parents", "stagnation", "clusters", "phase"} <= set(data)
    assert data["clusters"] == 4

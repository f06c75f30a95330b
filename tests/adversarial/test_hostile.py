"""A dozen hostile programs, one after the other: no run is lost, and honest verdicts stay what they were."""

import pytest

from benchmarks.hostile import Endurance, Row, order, summary
from kernelevo.sandbox.tier import machine_tier
from tests.adversarial.hostile import BY_NAME, KINDS
from tests.few import few

pytestmark = pytest.mark.skipif(bool(machine_tier().gaps), reason="these programs kill what they can reach")
QUICK = (
    "hang in import", "busy loop in C++", "segmentation fault", "exit in atexit", "fork bomb of processes",
    "50 GB of tensors", "fills its folder", "nests folders without end", "kills its parent's group",
    "kills its siblings", "100 MB in its channel", "stack overflow in C++", "writes into its parent",
    "deletes the shared cache",
)  # fmt: skip


@pytest.fixture(scope="module")
def endurance(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    with Endurance(cache, patience=1.5, seconds=0.15) as made:
        assert made.honest().score is not None
        yield made


def lives_on(endurance: Endurance, name: str) -> Row:
    row = endurance.meet(BY_NAME[name])
    assert row.fit, f"{row.status}: {row.feedback}"
    assert row.harmed == []
    assert row.honest == "ok"
    assert not row.sure or 0.5 < row.score < 2  # equals; a machine too busy says that it is not sure
    assert 0 < row.recovery < 20
    return row


@pytest.mark.parametrize("name", few(QUICK, ["segmentation fault", "100 MB in its channel"]))
def test_the_judge_lives_on(endurance, name):
    lives_on(endurance, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [kind.name for kind in KINDS if kind.name not in QUICK])
def test_the_judge_lives_on_after_the_others(endurance, name):
    lives_on(endurance, name)


def test_nothing_of_a_run_stays_on_disk(endurance):
    lives_on(endurance, "fills the disk without names")
    assert not list(endurance.judge.ground.folder.glob("run-*"))


def test_an_order_is_seeded_and_fair():
    names = [kind.name for kind in order(2 * len(KINDS), 7)]
    assert names == [kind.name for kind in order(2 * len(KINDS), 7)] != [k.name for k in order(len(names), 8)]
    assert all(names.count(kind.name) == 2 for kind in KINDS) and len(BY_NAME) == len(KINDS)


def test_a_summary_counts_what_went_wrong():
    well = Row("a", "ok", "", True, 1.0, 0.5, "ok", 1.01, True, [])
    lost = Row("b", "fault", "E", False, 1.0, float("nan"), "ok", 1.5, False, ["the zygote"])
    unsettled = Row("b", "ok", "", True, 1.0, 1.5, "crashed", None, False, [])
    told = summary([well, lost, unsettled], [0.98, 1.0, 1.02])
    assert (told["faults"], told["unfit_verdicts"], told["harmed"], told["honest_not_ok"]) == (1, 1, 1, 1)
    assert (
        told["honest_beyond_noise"] == 1
        and told["of_these_beyond_noise"] == 0
        and told["noise"] == 0.1
        and told["kinds"] == 2
    )
    assert told["recovery_mean_seconds"] == 1.0 and told["recovery_worst_seconds"] == 1.5

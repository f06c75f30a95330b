"""A run on a Ray cluster of several nodes, one of which is killed meanwhile."""

import os
from pathlib import Path

import pytest

from kernelevo.core import TrialEnded
from kernelevo.engine import Schedule
from tests.engine import toys
from tests.engine.test_engine import Bench

ray = pytest.importorskip("ray")
ray_executor = pytest.importorskip("kernelevo.executors.ray_executor")

PLACES = 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ones", "staged"])
def test_a_node_that_dies_costs_no_trial_and_repeats_none(tmp_path: Path, kind: str) -> None:
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False},
    )
    places = {"num_cpus": 1, "resources": {"eval_cpu": PLACES}, "object_store_memory": 80 << 20}
    nodes = [cluster.add_node(**places) for _ in range(3)]
    bench = Bench(tmp_path / "run")
    killed: list[int] = []

    def meanwhile(event: object, engine: object, store: object) -> None:
        if isinstance(event, TrialEnded) and event.trial.number == 15 and not killed:
            killed.append(15)
            cluster.remove_node(nodes[0], allow_graceful=False)

    try:
        ray.init(address=cluster.address, configure_logging=False, log_to_driver=False)
        executor = ray_executor.RayExecutor()
        assert executor.workers == 3 * PLACES
        try:
            outcome = bench.run(
                toys.task(kind, seconds=0.2, log=str(tmp_path / "log")),
                [toys.Counting()],
                "60",
                executor=executor,
                meanwhile=meanwhile,
                schedule=Schedule(thinkers=6, builders=6, measurers=6),
            )
        finally:
            executor.close()
    finally:
        ray.shutdown()
        every = [cluster.head_node, *nodes]
        processes = [i.process for node in every for infos in node.all_processes.values() for i in infos]
        cluster.shutdown()
        for process in processes:  # Ray kills and does not wait, and Python warns of that at the very end
            process.wait(10)
    trials = bench.trials()
    assert killed and outcome.used["trials"] == 60
    assert [t.number for t in trials] == list(range(61))
    assert len({t.program.id for t in trials}) == 61
    assert [t.fault for t in trials if t.fault] == []  # tried again elsewhere, never scored as failures
    assert all(t.score == float(t.program.source.count("1")) for t in trials)
    judged = (tmp_path / "log").read_text().split()
    again = len(judged) - len(set(judged))
    assert set(judged) >= {t.program.source for t in trials}
    assert again <= PLACES + kind.count("staged")  # only what was in flight there (and the winner's timing)
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"

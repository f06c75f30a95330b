"""Ray against worker processes on the same work, and how four nodes scale; evaluations sleep.

``python -m benchmarks.engine.on_ray`` starts Ray nodes on this machine (``ray.cluster_utils.Cluster``).
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.engine.record import arguments, keep
from benchmarks.engine.sleepers import ends_of, options, steady
from kernelevo.core import Executor
from kernelevo.executors import ProcessExecutor

PLACES = 2
MEMORY = 80 << 20


def rate(executor: Executor, workers: int, seconds: float, trials: int) -> float:
    """Return trials a second without filling and emptying."""
    with tempfile.TemporaryDirectory() as folder:
        ends = ends_of(
            Path(folder) / "run",
            executor,
            trials=trials,
            think=0.0,
            judge=seconds,
            schedule=options(workers),
        )
    return steady(ends, workers)


def on_processes(seconds: float, trials: int) -> float:
    executor = ProcessExecutor(cpu=PLACES, build=0, devices=())
    try:
        return rate(executor, PLACES, seconds, trials)
    finally:
        executor.close()


def on_nodes(nodes: int, seconds: float, trials: int) -> float:
    """Return the rate on a new cluster of so many nodes with two places each."""
    import ray
    from ray.cluster_utils import Cluster

    from kernelevo.executors.ray_executor import RayExecutor

    head = {"num_cpus": 1, "object_store_memory": MEMORY, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=1, resources={"eval_cpu": PLACES}, object_store_memory=MEMORY)
        ray.init(address=cluster.address, configure_logging=False, log_to_driver=False)
        executor = RayExecutor()
        try:
            calls = [executor.submit(time.sleep, 0.5) for _ in range(2 * nodes * PLACES)]
            for call in calls:  # every place is there before the clock starts
                call.result(120)
            return rate(executor, nodes * PLACES, seconds, trials)
        finally:
            executor.close()
    finally:
        ray.shutdown()
        cluster.shutdown()


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--trials", type=int, default=60, help="for each pair of places")
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for seconds in (0.1, 1.0):
        trials = chosen.trials if seconds < 0.5 else chosen.trials // 2
        processes = on_processes(seconds, trials)
        one = on_nodes(1, seconds, trials)
        four = on_nodes(4, seconds, 4 * trials)
        rows.append(
            {
                "judge_s": seconds,
                "2 processes": processes,
                "Ray, 1 node of 2": one,
                "Ray/processes": one / processes,
                "Ray, 4 nodes of 2": four,
                "scaling": four / (4 * one),
            }
        )
    note = (
        "trials a second, sleeping evaluations and no thinking; all nodes share this machine's cores; bars: "
        "Ray >= 85 % of processes, 4 nodes >= 90 % of four times one node"
    )
    keep("ray", chosen, rows, note)


if __name__ == "__main__":
    main()

"""A run to look at, with scripted proposers: `python -m tests.dashboard.live FOLDER`."""

import argparse
import asyncio
import math
import time
from collections.abc import Sequence
from random import Random

from kernelevo.core import Brief, Evaluation, Origin, Program, Proposal, Status, Task
from kernelevo.engine import Budget, Engine, Schedule
from kernelevo.executors import InlineExecutor
from kernelevo.population import Islands, Policy
from kernelevo.store import RunStore

START = "TILE = 8\nUNROLL = 1\nVECTOR = 4\n\n\ndef solve(x):\n    return x * TILE\n"
EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


class Knobs:
    """Scores a program by the numbers in its first lines; complains in the words of the program."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, program: Program) -> Evaluation:
        time.sleep(self.seconds)
        scope: dict[str, object] = {}
        try:
            exec(program.source, scope)
            tile, unroll, vector = (float(scope[name]) for name in ("TILE", "UNROLL", "VECTOR"))  # type: ignore[arg-type]
        except Exception as error:
            return Evaluation(Status.BUILD_FAILED, feedback=f"{type(error).__name__}: {error}")
        if tile > 96:
            return Evaluation.wrong(f"the tile of {tile:.0f} does not fit; {EVIL}")
        if unroll > 12:
            return Evaluation(Status.TIMED_OUT, feedback="did not finish within 2 s")
        gap = (math.log2(tile) - 6) ** 2 / 6 + (unroll - 6) ** 2 / 24 + (vector - 16) ** 2 / 160
        score = 4.0 / (1.0 + gap)
        return Evaluation.ok(score, latency_ms=2.0 / score, roofline_ms=0.4, roofline_bound="memory")


def load(task: Task) -> Knobs:
    return Knobs(float(task.options["seconds"]))


class Writer:
    """Changes one number; keeps what it was told as its prompt."""

    reads = True

    def __init__(self, name: str, seconds: float, dollars: float) -> None:
        self.name, self.seconds, self.dollars = name, seconds, dollars

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        await asyncio.sleep(self.seconds * rng.uniform(0.5, 1.5))
        text = brief.parents[0].program.source if brief.parents else START
        lines = text.splitlines()
        knob = rng.choice(["TILE", "UNROLL", "VECTOR"])
        at = next((i for i, line in enumerate(lines) if line.startswith(f"{knob} =")), None)
        idea = f"{knob.lower()} from its old value to something else"
        if at is not None:
            old = int(lines[at].split("=")[1])
            new = max(1, round(old * rng.choice([0.5, 0.8, 1.25, 2.0]) + rng.choice([-1, 0, 1])))
            lines[at] = f"{knob} = {new}"
            idea = f"{knob.lower()} {old} → {new}, so that a row fits into the cache"
        if rng.random() < 0.08:
            lines.insert(0, "import nothing_of_this_name")
        prompt = [
            {"role": "system", "content": "You write fast code."},
            {"role": "user", "content": "\n".join([brief.task.goal, *brief.hints, *brief.knowledge, text])},
        ]
        source = "\n".join(lines) + "\n"
        parents = tuple(verdict.program.id for verdict in brief.parents)
        program = Program.single(source, parents=parents, origin=Origin(self.name, idea))
        records = {"prompt": prompt, "reply": f"{idea}\n\n```python\n{source}```"}
        return [Proposal(program, {"dollars": self.dollars, "tokens": 900.0}, records)]


def main() -> None:
    """Run until the budget is spent."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--budget", default="600s")
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--islands", type=int, default=3)
    given = parser.parse_args()
    goal = "Choose TILE, UNROLL and VECTOR so that solve() is fast.\nHigher is better."
    seed = Program.single(START, origin=Origin("seed", "as it was"))
    task = Task("tile-search", goal, (seed,), "knobs", {"seconds": given.seconds})
    settings = {"budget": given.budget, "seed": 4, "proposers": ["llm", "tune"], "islands": given.islands}
    with RunStore.create(given.folder, task, settings) as store:
        engine = Engine(
            store,
            [Writer("llm", given.seconds, 0.002), Writer("tune", given.seconds / 2, 0.0)],
            InlineExecutor(),
            Budget.parse(given.budget),
            islands=Islands(given.islands, policy=Policy(lines=3, steps=4)),
            loader="tests.dashboard.live:load",
            device=None,
            seed=4,
            schedule=Schedule(thinkers=3),
            poll=0.1,
        )
        asyncio.run(engine.run())


if __name__ == "__main__":
    main()

"""A child of a series that serves as a real one does, with a judge that spends little; its log counts."""

import sys

from kernelevo.bench import child
from kernelevo.evaluators import registry
from kernelevo.kernels import ground, judge, upstream

_WHOLE = ground.Ground.__init__


def counted(self, *given, **more):
    print("a judge is made", flush=True)
    _WHOLE(self, *given, **more)
    print("zygote", self.zygote.pid, flush=True)


def quick(task):
    return judge.KernelJudge(task, threads=1, compiled=(), search_seconds=0.1, final_seconds=0.2)


if __name__ == "__main__":
    ground.Ground.__init__ = counted
    ground.BOUNDS = ()
    judge.FRESH_PROCESSES = judge.MOST_PROCESSES = 1
    registry._REGISTERED["kernel"] = registry.Entry("kernel", quick)
    upstream.judge_as_upstream = lambda *given, **more: dict(upstream.NOTHING)
    child.grade_given = lambda *_: "judgeable"
    sys.exit(child.main(sys.argv[1:]))

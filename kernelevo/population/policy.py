"""Policy: every number and every switch of the population; DEFAULT is the one that was measured best."""

from __future__ import annotations

from dataclasses import dataclass

from kernelevo.errors import BadSetting, closest

SAMPLERS = ("adaptive", "topk", "random", "best_of_n", "refine")


@dataclass(frozen=True)
class Policy:
    """How a population chooses parents; ``benchmarks/engine/landscapes.py`` compares policies.

    Args:
        sampler: who becomes a parent. ``adaptive``: a cluster, then a member, pressed as diversity allows;
            ``topk``: one of the best ``top`` alike; ``random``: any member alike; ``best_of_n``: always the
            first program (independent tries); ``refine``: always the best (sequential refinement).
        cold_start: whether a run starts with lines that are steered to different regions, whose programs are
            then clustered into islands.
        islands: whether there is more than one island.
        clusters: whether an island's programs are clustered; without, an island is one cluster.
        elites: whether the elite pool gives parents, inspirations and fresh starts.
        migration: whether islands send programs to each other.
        restart: whether an island without gains starts anew.
        shares: whether asks move to the islands that gained lately; otherwise all get as many.
        pressure: whether temperature follows diversity and stagnation; otherwise it stays in the middle.
        distant: whether a second parent comes from another cluster; otherwise from anywhere.
        lines: number of lines of the cold start, at least as many as islands.
        steps: trials of each line.
        migrate_every: tells between two migrations.
        patience: tells of one island without a gain until it counts as fully stagnant.
        dead_after: the same until it starts anew.
        fresh: trials of the cold start of an island that starts anew.
        coldest, hottest: temperatures, in standard deviations of the clusters' ranks.
        target: diversity at which the temperature is in the middle of these (in logarithms).
        steepness: how quickly it leaves the middle when diversity leaves the target.
        boredom: what full stagnation adds to the position between the two temperatures, 0 to 1.
        discount: exponent of the discount for visits, of clusters and of members.
        depth: places in a cluster's ranking that count as equal at temperature 1.
        elite_share: part of the asks whose parent is drawn from the elite pool.
        pool: size of the elite pool.
        per_cluster: how many of one cluster it takes.
        even: part of the asks that all islands share alike.
        forget: decay of an island's gains per tell.
        closeness: distance below which programs are of one cluster, as part of the usual distance.
        most_clusters: of one island.
        window: inserts over which diversity is measured.
        top: how many ``topk`` draws from.

    Raises:
        BadSetting: for an unknown sampler or a number that makes no sense.
    """

    sampler: str = "adaptive"
    cold_start: bool = True
    islands: bool = True
    clusters: bool = True
    elites: bool = True
    migration: bool = True
    restart: bool = True
    shares: bool = True
    pressure: bool = True
    distant: bool = True
    lines: int = 6
    steps: int = 4
    migrate_every: int = 40
    patience: int = 40
    dead_after: int = 120
    fresh: int = 8
    coldest: float = 0.1
    hottest: float = 0.8
    target: float = 0.5
    steepness: float = 6.0
    boredom: float = 0.3
    discount: float = 0.5
    depth: float = 1.0
    elite_share: float = 0.1
    pool: int = 12
    per_cluster: int = 2
    even: float = 0.5
    forget: float = 0.95
    closeness: float = 0.6
    most_clusters: int = 16
    window: int = 48
    top: int = 5

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise BadSetting(
                f"sampler cannot be {self.sampler!r}",
                why=closest(self.sampler, SAMPLERS),
                now="use one of these",
            )
        counts = ("lines", "steps", "migrate_every", "patience", "dead_after", "fresh", "pool", "per_cluster")
        for name in (*counts, "most_clusters", "window", "top"):
            if getattr(self, name) < 1:
                raise BadSetting(
                    f"{name} cannot be {getattr(self, name)}",
                    why="it is at least 1",
                    now="give a whole number from 1",
                )
        for name in ("target", "boredom", "elite_share", "even", "forget"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadSetting(
                    f"{name} cannot be {getattr(self, name)}",
                    why="it is from 0 to 1",
                    now="give a number from 0 to 1",
                )
        if not 0 < self.coldest <= self.hottest:
            raise BadSetting(
                f"temperatures cannot be {self.coldest} to {self.hottest}",
                why="the coldest is above 0 and not above the hottest",
            )
        if min(self.depth, self.closeness) <= 0 or min(self.discount, self.steepness) < 0:
            raise BadSetting("depth and closeness are above 0, discount and steepness not below")

    @property
    def needs_features(self) -> bool:
        """Whether anything in this policy looks at the distance of two programs."""
        return self.clusters and (self.sampler == "adaptive" or self.islands)


DEFAULT = Policy(clusters=False, elites=False, coldest=0.05, hottest=0.4, depth=0.7)
"""What a run uses unless told otherwise: the best mean rank of 26 candidates over all landscapes of
``benchmarks/engine/landscapes.py`` on their development seeds (0 to 49)."""

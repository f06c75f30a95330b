"""Who may have children: islands that are asked for parents and told of verdicts."""

from kernelevo.population.ask import Ask, Draw
from kernelevo.population.cold_start import COMMON
from kernelevo.population.directions import GENERAL
from kernelevo.population.elite_pool import ElitePool
from kernelevo.population.features import Features
from kernelevo.population.island import Island
from kernelevo.population.islands import Islands
from kernelevo.population.member import AddStatus, Member
from kernelevo.population.policy import DEFAULT, SAMPLERS, Policy

__all__ = [
    "COMMON",
    "DEFAULT",
    "GENERAL",
    "SAMPLERS",
    "AddStatus",
    "Ask",
    "Draw",
    "ElitePool",
    "Features",
    "Island",
    "Islands",
    "Member",
    "Policy",
]

"""Who may have children: islands that are asked for parents and told of verdicts."""

from kernelevo.population.island import AddStatus, Island, Member
from kernelevo.population.islands import Ask, Islands

__all__ = ["AddStatus", "Ask", "Island", "Islands", "Member"]

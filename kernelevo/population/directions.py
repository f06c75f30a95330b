"""Directions: sentences that steer the lines of a cold start apart, where nobody brings better ones."""

from __future__ import annotations

GENERAL = (
    "A simple greedy construction, written as well as possible.",
    "Local improvement: start from something valid and repair it step by step.",
    "An exact or mathematical view: bounds, symmetry, relaxation, known constructions.",
    "A different representation of the data or of a solution.",
    "Randomised search with restarts and a good cooling or acceptance rule.",
    "A different algorithm for the whole, as if nothing had been written yet.",
)

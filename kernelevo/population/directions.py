"""Directions: sentences that steer the lines of a cold start apart; each names a region of the solutions."""

from __future__ import annotations

KERNELS = (
    "Fusion: join neighbouring operations into one kernel, so that values between them never reach memory.",
    "Memory layout: order and tile data so that reads are contiguous and reused; transpose or pack once.",
    "Algebra: fold, reorder or cancel operations; compute less for the same values.",
    "Parallelism: split the work along another axis, balance it, and keep every unit busy.",
    "Precision-safe arithmetic: matrix units with split operands, compensated sums, fewer slow functions.",
    "A different algorithm for the whole, as if nothing had been written yet.",
)
GENERAL = (
    "A simple greedy construction, written as well as possible.",
    "Local improvement: start from something valid and repair it step by step.",
    "An exact or mathematical view: bounds, symmetry, relaxation, known constructions.",
    "A different representation of the data or of a solution.",
    "Randomised search with restarts and a good cooling or acceptance rule.",
    "A different algorithm for the whole, as if nothing had been written yet.",
)

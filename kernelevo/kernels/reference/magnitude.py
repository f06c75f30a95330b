"""Magnitude: how large a tensor's values are, in one quick pass where all of them are finite.

Answers may hold hundreds of megabytes and are looked at many times; masks of what is finite cost ten times
as much as the two extremes, which say that all is.
"""

from __future__ import annotations

import math

import torch


def all_finite(values: torch.Tensor) -> bool:
    """Tell whether no value of a float tensor is NaN or infinite."""
    return math.isfinite(_extreme(values))


def largest(values: torch.Tensor) -> float:
    """Return the largest ``|value|`` that is finite; 0 where there is none."""
    found = _extreme(values)
    return found if math.isfinite(found) else _extreme(values[torch.isfinite(values)])


def finite_only(values: torch.Tensor) -> torch.Tensor:
    """Return a tensor with zeros where it is not finite; itself where all of it is."""
    return values if all_finite(values) else torch.where(torch.isfinite(values), values, values.new_zeros(()))


def _extreme(values: torch.Tensor) -> float:
    """Return the largest ``|value|``; NaN or infinity where one is there."""
    if not values.numel():
        return 0.0
    if values.element_size() == 1:
        values = values.float()  # torch compares no floats of eight bits
    least, most = (abs(float(v)) for v in torch.aminmax(values))
    return least if least > most or math.isnan(least) else most

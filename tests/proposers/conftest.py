"""Until kernelevo.packed is there, derived weights are made anew in each call."""

import kernelevo

try:
    kernelevo.packed  # noqa: B018
except (AttributeError, ImportError):
    kernelevo.packed = lambda function, *tensors: function(*tensors)

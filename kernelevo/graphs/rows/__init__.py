"""Regions that one pass over the rows of their tensors can compute, and their C++."""

"""Timed calls: what goes into them, whether each was honestly computed, and what they took."""

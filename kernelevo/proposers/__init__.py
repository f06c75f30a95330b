"""Proposers: from a brief to programs."""

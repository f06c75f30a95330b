"""Devices: facts, leases, clocks, timing and the statistics of timing."""

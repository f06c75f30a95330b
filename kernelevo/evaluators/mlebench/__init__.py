"""Adapter to an installed ``mlebench``: its competitions as tasks, validation as fitness, the test sealed."""

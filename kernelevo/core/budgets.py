"""Budgets: how people write what a search may use."""

BUDGETS = "90s, 30m, 2h, 200 (trials), $5, tokens:200k, device:60s, or several with commas: 30m,$5"

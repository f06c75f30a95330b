"""Combinatorial pack: heuristic contests of our own, judged case by case against the best known scores."""

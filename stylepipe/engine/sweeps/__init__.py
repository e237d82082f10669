"""Sweeps: the variants of a recipe merged into one run, its table of results and its contact sheets."""

"""Attributions: the canonical graph of a network, its layers, and one rule a file under `rules/`."""

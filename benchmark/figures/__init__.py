"""Figures for papers, drawn from the results of a run."""

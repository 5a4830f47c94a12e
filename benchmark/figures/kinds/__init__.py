"""Figures for papers, one a file."""

"""Metrics, one a file; a file's name is the metric's name and its column."""

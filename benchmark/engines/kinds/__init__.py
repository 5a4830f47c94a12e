"""Engines, one a file: where units are computed."""

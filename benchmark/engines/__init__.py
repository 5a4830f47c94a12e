"""Engines: what runs the units of a plan."""

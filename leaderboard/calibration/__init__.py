"""Calibration rows: maps whose scores are known beforehand. They stand on every board."""

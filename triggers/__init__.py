"""Triggers: what is stamped on a picture, and where the truth about it lies. One trigger a file."""

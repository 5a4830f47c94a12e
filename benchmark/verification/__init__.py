"""Verification: making rows anew and saying which reproduce."""

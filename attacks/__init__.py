"""Attacks: poison a data set, fine-tune a model on it, certify the result."""

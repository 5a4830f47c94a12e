"""Texts that name a thing and its options, such as ``smoothgrad(samples=10)``; ground floor, torch-free."""

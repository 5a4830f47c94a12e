"""Submitted methods: where they are, what makes them what they are, and the process of their own that they run in."""

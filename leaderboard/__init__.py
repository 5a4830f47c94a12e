"""Leaderboard: metrics, statistics, rows and their comparison."""

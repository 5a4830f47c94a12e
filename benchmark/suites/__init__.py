"""Suites: what a run plants, explains and scores, as versioned data files `NAME/vN.toml`."""

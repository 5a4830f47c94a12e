"""Units: the steps from a suite to scores, each a pure function of its spec, computed once and stored."""

"""From a network as its author wrote it to call sites whose operations are known."""

"""The claims of the papers, and what became of them."""

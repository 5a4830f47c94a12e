"""Files that `peephole new` writes."""

"""The store: immutable HDF5 shards, one a unit of work, named by the digest of what made them."""

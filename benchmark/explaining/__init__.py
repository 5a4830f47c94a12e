"""What of a picture a network still uses, layer by layer (P2, section V-A)."""

"""What a submitted method is checked for before it stands on a board: one check a file."""

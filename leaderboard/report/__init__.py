"""The web pages of a board, made of what `contents` describes."""

"""``python -m peephole``."""

from peephole.cli import main

main()

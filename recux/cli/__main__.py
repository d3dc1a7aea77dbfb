"""``python -m recux.cli`` is ``recux``."""

from recux.cli import main

main()

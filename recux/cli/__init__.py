"""The command line: thin, lazy, and honest in its exit codes (0 done, 1 failed with one line, 2 wrong usage)."""

import os
import sys

from recux.cli.app import app
from recux.cli.failures import explain


def main() -> None:
    """Run one command. A failure is one line on standard error; ``RECUX_DEBUG=1`` shows where it came from."""
    try:
        app()
    except Exception as error:
        if os.environ.get("RECUX_DEBUG"):
            raise
        sys.stdout.flush()
        print(f"error: {explain(error)}", file=sys.stderr)
        sys.exit(1)

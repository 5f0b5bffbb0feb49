"""The command line: every command is a few lines over `lithiscope.studies` or `lithiscope.verification`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; a problem the user can mend is one message and exit code 2, without a traceback."""
    from lithiscope.cli.app import app
    from lithiscope.errors import LithiscopeError

    try:
        app()
    except LithiscopeError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)

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
    except OSError as error:
        named = LithiscopeError(
            f"the file system said no: {error.strerror or error}",
            file=error.filename,
            remedy="check that the path exists, that it is of the right kind, and that you may read or write it",
        )
        sys.stderr.write(f"error: {named}\n")
        sys.exit(2)

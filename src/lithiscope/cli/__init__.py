"""The command line: every command is a few lines over `lithiscope.studies` or `lithiscope.verification`."""

from __future__ import annotations

import sys
import warnings


def main() -> None:
    """Run the command line; a problem the user can mend is one message and exit code 2, without a traceback."""
    from lithiscope.cli.app import app
    from lithiscope.errors import LithiscopeError

    warnings.formatwarning = _told
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


def _told(message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None) -> str:  # noqa: ARG001
    """Return our own warnings as one line without the place in the code; those of others as Python does."""
    from lithiscope.errors import LithiscopeWarning

    if issubclass(category, LithiscopeWarning):
        return f"warning: {message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"

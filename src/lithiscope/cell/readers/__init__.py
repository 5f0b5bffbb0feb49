"""Readers of potentiostats' files: each knows one format and hands over a `RawTrace`.

Plug-ins offer the three names of `Reader` and register under the entry point ``lithiscope.cell``.
"""

from lithiscope.cell.readers.raw import Columns, RawTrace, Reader, Request

__all__ = ["Columns", "RawTrace", "Reader", "Request"]

"""lithiscope: what a battery particle did while it was cycled, from what the microscope wrote.

The way of the data: raw files -> recordings -> frames -> composition -> particles -> report. Each name is a subpackage
of plain functions that take and return documented `xarray` datasets (see `lithiscope.stages`).
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

_SUBPACKAGES = ("composition", "frames", "instruments", "particles", "recordings", "report", "stages", "studies")


def __getattr__(name: str) -> ModuleType:
    """Import a subpackage when it is first asked for, so that `import lithiscope` stays fast."""
    if name in _SUBPACKAGES:
        return import_module(f"lithiscope.{name}")
    raise AttributeError(f"module 'lithiscope' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBPACKAGES])

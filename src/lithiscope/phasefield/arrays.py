"""Names of the arrays of the engine."""

from __future__ import annotations

from typing import TypeAlias

from jaxtyping import Array, Float

Cells: TypeAlias = Float[Array, "..."]
"""One value for each cell, index order ((z), y, x)."""

Number: TypeAlias = Float[Array, ""]
"""A single value."""

"""Claims of lithiscope beside what is measured: published numbers, exact solutions and virtual experiments."""

from lithiscope.verification.rows import Row, Unchecked, compare

__all__ = ["Row", "Unchecked", "compare"]

"""Numerical kernels on bare arrays: packing, neighbours, digital lines."""

from lithiscope.grid.kernels.adjacency import neighbour_table
from lithiscope.grid.kernels.lines import Segments, line_shift, split_lines
from lithiscope.grid.kernels.packing import gather, scatter, sum_groups

__all__ = ["Segments", "gather", "line_shift", "neighbour_table", "scatter", "split_lines", "sum_groups"]

"""Figures, movies and the study page: the only part of lithiscope that draws. Everything is returned as bytes or text.

Lives here: the look of figures (`style`, `colours`, `panels`), maps (`maps`), spectra with their fits (`spectra`),
curves against time (`curves`), the interpolated movie (`movie`), and the self-contained HTML page (the subpackage
`lithiscope.report.page`, with `page` and `stxm_page_content`).
"""

from lithiscope.report.curves import chi_square_histogram, incident_curves, particle_curves, shift_curves
from lithiscope.report.maps import (
    amount_map,
    chi_square_map,
    dose_map,
    error_maps,
    lithium_maps,
    optical_density_maps,
    thickness_map,
)
from lithiscope.report.movie import lithium_movie
from lithiscope.report.options import FigureOptions, MovieOptions, PageOptions
from lithiscope.report.spectra import reference_figure, region_spectrum, spectra_figure

__all__ = [
    "FigureOptions",
    "MovieOptions",
    "PageOptions",
    "amount_map",
    "chi_square_histogram",
    "chi_square_map",
    "dose_map",
    "error_maps",
    "incident_curves",
    "lithium_maps",
    "lithium_movie",
    "optical_density_maps",
    "particle_curves",
    "reference_figure",
    "region_spectrum",
    "shift_curves",
    "spectra_figure",
    "thickness_map",
]

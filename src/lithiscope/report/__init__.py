"""Figures, movies and the study page: the only part of lithiscope that draws. Everything is returned as bytes or text.

Lives here: the look of figures (`style`, `colours`, `panels`, `plots`), maps (`maps`, `rates`), spectra with their fits
(`spectra`), curves against time (`curves`, `courses`), the cell (`cell`, `half_cycles`), the kinetics (`exchange`,
`uniformity`, `channels`, `regime`, over populations `population`, from full to empty `pathways`), the interpolated
movie (`movie`), and the self-contained HTML page (the subpackage `lithiscope.report.page`, with `page` and
`stxm_page_content`). A figure is a PNG, or a vector as SVG or PDF.
"""

from lithiscope.report.cell import cell_curves, clock_residuals, particles_against_cell
from lithiscope.report.channels import channel_courses, channel_profiles, line_cut_curves, surface_against_rate
from lithiscope.report.courses import course_curves, rate_courses
from lithiscope.report.curves import chi_square_histogram, incident_curves, particle_curves, shift_curves
from lithiscope.report.exchange import exchange_current, normalised_exchange
from lithiscope.report.half_cycles import capacity_derivative, half_cycle_curves, overpotential_against_rate
from lithiscope.report.maps import (
    amount_map,
    chi_square_map,
    dose_map,
    error_maps,
    lithium_maps,
    optical_density_maps,
    thickness_map,
)
from lithiscope.report.material_figure import material_figure
from lithiscope.report.movie import lithium_movie
from lithiscope.report.options import FigureOptions, MovieOptions, PageOptions
from lithiscope.report.pathways import boundary_motion, interface_against_rate, pathway_shares, shape_misfits
from lithiscope.report.rates import current_maps, domain_maps, exchange_maps, rate_maps
from lithiscope.report.regime import (
    MorphologyPoint,
    evidence_figure,
    growth_curves,
    morphology_diagram,
    stability_diagram,
)
from lithiscope.report.regime_cases import case_figure, morphology_points
from lithiscope.report.spectra import reference_figure, region_spectrum, spectra_figure
from lithiscope.report.uniformity import spread_against_mean, uniformity_against_rate

__all__ = [
    "FigureOptions",
    "MorphologyPoint",
    "MovieOptions",
    "PageOptions",
    "amount_map",
    "boundary_motion",
    "capacity_derivative",
    "case_figure",
    "cell_curves",
    "channel_courses",
    "channel_profiles",
    "chi_square_histogram",
    "chi_square_map",
    "clock_residuals",
    "course_curves",
    "current_maps",
    "domain_maps",
    "dose_map",
    "error_maps",
    "evidence_figure",
    "exchange_current",
    "exchange_maps",
    "growth_curves",
    "half_cycle_curves",
    "incident_curves",
    "interface_against_rate",
    "line_cut_curves",
    "lithium_maps",
    "lithium_movie",
    "material_figure",
    "morphology_diagram",
    "morphology_points",
    "normalised_exchange",
    "optical_density_maps",
    "overpotential_against_rate",
    "particle_curves",
    "particles_against_cell",
    "pathway_shares",
    "rate_courses",
    "rate_maps",
    "reference_figure",
    "region_spectrum",
    "shape_misfits",
    "shift_curves",
    "spectra_figure",
    "spread_against_mean",
    "stability_diagram",
    "surface_against_rate",
    "thickness_map",
    "uniformity_against_rate",
]

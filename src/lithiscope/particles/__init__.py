"""Where the particles are: masks found or imported, names that last, outlines, tracks, and the table of particles.

Particles are found in the amount of material of a composition video, or imported from Fiji, GeoJSON or TIFF files. A
label image numbers them; a name stays with a particle when its mask changes. The table reduces a composition video to
one row per particle and frame, with random, frame-wide and systematic uncertainty apart.
"""

from lithiscope.particles.doubts import doubts
from lithiscope.particles.exchange import area_of_pixels, export_outlines, import_area, import_labels
from lithiscope.particles.exclusions import exclude_frames, excluded_frames
from lithiscope.particles.find import find_particles
from lithiscope.particles.identity import match_particles, name_particles
from lithiscope.particles.options import Exclusion, FindOptions, ImportOptions, TableOptions, TrackOptions
from lithiscope.particles.outlines import outline
from lithiscope.particles.rows import table_rows
from lithiscope.particles.table import particle_table
from lithiscope.particles.tracks import strays, track

__all__ = [
    "Exclusion",
    "FindOptions",
    "ImportOptions",
    "TableOptions",
    "TrackOptions",
    "area_of_pixels",
    "doubts",
    "exclude_frames",
    "excluded_frames",
    "export_outlines",
    "find_particles",
    "import_area",
    "import_labels",
    "match_particles",
    "name_particles",
    "outline",
    "particle_table",
    "strays",
    "table_rows",
    "track",
]

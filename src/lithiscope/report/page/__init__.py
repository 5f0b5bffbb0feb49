"""The study page: one self-contained HTML file.

`content` holds the dataclasses of a page, `stxm` fills them from the stages of an STXM study (`images` those
of the maps), `explorer` packs the numbers of the interactive map and `voltage` those of the voltage trace, `cell` and
`kinetics` make their sections from the results named in `RESULTS`, `learning` those of the learned kinetics
(`learned_page` is a page of them alone), `findings` the main figures and warnings, `tables`
and `kinetic_tables` the tables, `render` writes the HTML; style and scripts are in ``assets``. A `Drawing` is a figure
that is drawn when it is asked for: `stxm_drawings` returns those of a study one by one.
"""

from lithiscope.report.page.content import (
    Drawing,
    Explorer,
    Figure,
    Notice,
    PageContent,
    Provenance,
    Quantity,
    Section,
    Table,
    Trace,
)
from lithiscope.report.page.learning import learned_page
from lithiscope.report.page.render import page, with_notice
from lithiscope.report.page.results import RESULTS
from lithiscope.report.page.stxm import stxm_drawings, stxm_page_content

__all__ = [
    "RESULTS",
    "Drawing",
    "Explorer",
    "Figure",
    "Notice",
    "PageContent",
    "Provenance",
    "Quantity",
    "Section",
    "Table",
    "Trace",
    "learned_page",
    "page",
    "stxm_drawings",
    "stxm_page_content",
    "with_notice",
]

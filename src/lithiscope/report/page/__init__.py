"""The study page: one self-contained HTML file.

`content` holds the dataclasses of a page, `stxm` fills them from the stages of an STXM study, `explorer` packs the
numbers of the interactive map, `tables` makes the tables, `render` writes the HTML; style and script are in ``assets``.
"""

from lithiscope.report.page.content import (
    Explorer,
    Figure,
    Notice,
    PageContent,
    Provenance,
    Quantity,
    Section,
    Table,
)
from lithiscope.report.page.render import page
from lithiscope.report.page.stxm import stxm_page_content

__all__ = [
    "Explorer",
    "Figure",
    "Notice",
    "PageContent",
    "Provenance",
    "Quantity",
    "Section",
    "Table",
    "page",
    "stxm_page_content",
]

"""The section of a page on the error bars of the learned laws beside draws from their posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lithiscope.report import sampled_words as words
from lithiscope.report.page.comparison import GROUP
from lithiscope.report.page.content import Section, Table
from lithiscope.report.page.tables import long_csv

if TYPE_CHECKING:
    from lithiscope.report.page.results import Study

SAMPLED = "sampled_laws"
_HEADS = ("Law", "σ drawn over σ of the fit", "Mean off by, in σ", "R-hat", "Independent draws")
_HOW = (
    "Draws from the posterior beside the normal distribution about the fit, from which the error bars of the laws are. "
    "Curves are taken where the data say something: the median ratio, and the largest distance of the means."
)


def sampled_section(study: Study) -> Section | None:
    """Return the section on the draws; None where none were made."""
    sampled = study.get(SAMPLED)
    if sampled is None:
        return None
    told = [words.verdict_sentence(sampled), words.chains_sentence(sampled)]
    told += [f"{one}." for one in words.notes(sampled, study.get("learned_laws"))]
    table = Table(_HEADS, tuple(words.rows(sampled)), _HOW, long_csv(sampled, ("parameter",)), "sampled-laws")
    return Section("learned-sampled", "Error bars sampled", "\n\n".join(told), tables=(table,), group=GROUP)

"""The composed figures of a study: several panels in the layout of papers, where there are results for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lithiscope.report import composed
from lithiscope.report.page.content import Drawing
from lithiscope.report.page.results import Study

if TYPE_CHECKING:
    import xarray as xr


def composed_drawings(study: Study) -> list[Drawing]:
    """Return the composed figures for which there are all results; they stand on no page."""
    return [*_rate_law(study), *_channels(study)]


def _rate_law(study: Study) -> list[Drawing]:
    video, domains, rates, fit = study.video, study.get("domains"), study.get("rates"), study.get("law_fit")
    pooled = study.get("pooled_uniformity")
    uniformity = study.get("uniformity") if pooled is None else pooled
    if video is None or domains is None or rates is None or fit is None or uniformity is None:
        return []

    def draw() -> bytes:
        return composed.rate_law_figure(
            video, domains, rates, fit, uniformity, table=study.get("rate_table"), labels=_labels(study, rates),
            options=study.figures,
        )  # fmt: skip

    return [
        Drawing(
            draw,
            "Domains, rates, exchange current and uniformity",
            "(a) Lithium maps; light blue outlines part fast from slow pixels. (b) Insertion rates with the domains of "
            "the frame before; the bracket is one standard deviation of a pixel. (c) Exchange current density against "
            "composition: points per particle with one standard deviation both ways, the preferred law with its 95 % "
            "band. (d) Uniformity coefficient against C-rate in both directions; bars: one standard error over the "
            "particles, whose number stands in brackets. Layout after Lim 2016, Figs. 2 to 4.",
            "rates-and-law",
        )
    ]


def _labels(study: Study, video: xr.Dataset) -> xr.DataArray | None:
    if "label" in video or study.labels is None or study.labels.ndim != 2:
        return None
    return study.labels if study.labels.shape == (video.sizes["y"], video.sizes["x"]) else None


def _channels(study: Study) -> list[Drawing]:
    table, surfaces, evidence = study.get("channels"), study.get("surfaces"), study.get("evidence")
    if table is None or surfaces is None or evidence is None or "particle" not in evidence.dims:
        return []
    if "normalised_exchange_current" not in table:
        return []

    def draw() -> bytes:
        return composed.channel_figure(
            table, surfaces, evidence, fit=study.get("law_fit"), shift=study.get("surface_shift"),
            half_cycles=study.get("half_cycles"), options=study.figures,
        )  # fmt: skip

    return [
        Drawing(
            draw,
            "Channels and what limits them",
            "(a) Current of the channels of one particle (blue) and composition of their ends (dotted). (b) Normalised "
            "exchange current against the composition of the ends: three channels in colour; line: F(x), dashed: as it "
            "appears when x is the mean of both ends. (c) Surface and inside, active and transformed shares against "
            "C-rate; bars: one standard error over the particles. (d) Reaction time over diffusion time, each piece of "
            "evidence, and the verdict. Layout after Koo 2023, Figs. 4 and 5.",
            "channels-and-regime",
        )
    ]

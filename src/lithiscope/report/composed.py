"""Figures of several panels in the layout of papers, put together from the figures of their panels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lithiscope.errors import AnalysisError
from lithiscope.report import channels, exchange, rates, regime_cases, uniformity
from lithiscope.report.fitting import NARROW
from lithiscope.report.options import FigureOptions
from lithiscope.report.panels import LETTER, sheet_height, view_of
from lithiscope.report.style import INK, style, to_bytes

if TYPE_CHECKING:
    import xarray as xr

_HEADER = 0.33  # inches above a map
_MAPS = 4  # maps of one kind in a composed figure
Part = tuple[Callable[[FigureOptions], bytes], float]
"""What draws a part, and its height in inches."""


def rate_law_figure(
    video: xr.Dataset,
    domains: xr.Dataset,
    rate_video: xr.Dataset,
    fit: xr.Dataset,
    uniformities: xr.Dataset,
    *,
    table: xr.Dataset | None = None,
    labels: xr.DataArray | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw lithium maps with domains, rate maps, j0(x) and uniformity against C-rate (Lim 2016, Figs. 2 to 4).

    Parameters
    ----------
    video, domains, rate_video, fit, uniformities : Dataset
        CompositionVideo, DomainVideo, RateVideo, LawFit, and UniformityTable or pooled uniformity.
    table : RateTable, optional
        Gives the C-rate of the cell in every interval.
    labels : DataArray of int, (y, x), optional
        Particles, where the rates have none.
    options : FigureOptions
        Format and width.

    Returns
    -------
    bytes
        PNG, SVG or PDF, with letters.

    Raises
    ------
    AnalysisError
        If the figure is narrower than 5 inches, or a part cannot be drawn.
    """
    look = _few(options)
    maps = LETTER + sheet_height(min(_MAPS, video.sizes["time"]), view_of(video), look, header=_HEADER)

    def _domains(look: FigureOptions) -> bytes:
        return rates.domain_maps(video, domains, options=_few(look))

    def _rates(look: FigureOptions) -> bytes:
        return rates.rate_maps(rate_video, table=table, domains=domains, labels=labels, options=_few(look))

    def _law(look: FigureOptions) -> bytes:
        return exchange.exchange_current(fit, options=look)

    def _uniform(look: FigureOptions) -> bytes:
        return uniformity.uniformity_against_rate(uniformities, options=look)

    return _compose([[(_domains, maps)], [(_rates, maps)], [(_law, 3.3)], [(_uniform, 2.2)]], options)


def channel_figure(
    table: xr.Dataset,
    surfaces: xr.Dataset,
    evidence: xr.Dataset,
    *,
    fit: xr.Dataset | None = None,
    shift: xr.Dataset | None = None,
    half_cycles: xr.Dataset | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw profiles of the channels, their exchange current, shares of the surface, regimes (Koo 2023, Figs. 4 and 5).

    Parameters
    ----------
    table, surfaces, evidence : Dataset
        ChannelTable (the profiles are of its first particle), SurfaceTable, EvidenceTable of many cases.
    fit, shift : Dataset, optional
        As for `normalised_exchange`.
    half_cycles : HalfCycles, optional
        Gives the C-rates, where the surfaces do not.
    options : FigureOptions
        Format and width.

    Returns
    -------
    bytes
        PNG, SVG or PDF, with letters.

    Raises
    ------
    AnalysisError
        If the figure is narrower than 5 inches, or a part cannot be drawn.
    """
    particle = str(table["particle"].values[0]) if "particle" in table.coords else None

    def _profiles(look: FigureOptions) -> bytes:
        return channels.channel_profiles(table, particle=particle, options=look.model_copy(update={"columns": 3}))

    def _law(look: FigureOptions) -> bytes:
        return exchange.normalised_exchange(table, fit=fit, shift=shift, options=look)

    def _surfaces(look: FigureOptions) -> bytes:
        return channels.surface_against_rate(surfaces, half_cycles=half_cycles, options=look)

    def _regimes(look: FigureOptions) -> bytes:
        return regime_cases.case_figure(evidence, options=look)

    cases = min(len(regime_cases.cases_of(evidence)), 24)
    rows: list[list[Part]] = [[(_profiles, 3.6)], [(_law, 3.6), (_surfaces, 3.6)], [(_regimes, 1.5 + 0.2 * cases)]]
    return _compose(rows, options)


def _few(look: FigureOptions) -> FigureOptions:
    return look.model_copy(update={"max_frames": _MAPS, "columns": _MAPS})


def _compose(rows: Sequence[Sequence[Part]], options: FigureOptions) -> bytes:
    from matplotlib.figure import Figure

    if options.width < NARROW:
        raise AnalysisError(
            "a composed figure is wider than one column", field="width", value=options.width,
            limit=f"{NARROW:g} inches or more", remedy="draw its parts one by one",
        )  # fmt: skip
    heights = [max(height for _, height in row) for row in rows]
    with style(options):
        figure = Figure(figsize=(options.width, sum(heights)), layout="constrained")
        bands = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
        letters = iter("abcdefgh")
        for band, row in zip(bands, rows, strict=True):
            parts = [band] if len(row) == 1 else band.subfigures(1, len(row))
            for part, (draw, _) in zip(parts, row, strict=True):
                draw(options.within(part))
                _letter(part, next(letters), options)
        return to_bytes(figure, options)


def _letter(part: Any, letter: str, options: FigureOptions) -> None:
    part.text(
        0.004, 0.998, letter, ha="left", va="top", fontweight="bold", fontsize=options.font_size + 2, color=INK
    ).set_in_layout(False)  # fmt: skip

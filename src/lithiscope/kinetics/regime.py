"""What limits a particle, the reaction at its surface or diffusion in its bulk: evidence by pieces, and a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.regime_current import current_piece, reaction_decay
from lithiscope.kinetics.regime_options import RegimeOptions
from lithiscope.kinetics.regime_pieces import (
    BULK,
    OPEN,
    SURFACE,
    Copies,
    Piece,
    Scale,
    noisy_copies,
    profile_pieces,
    width_piece,
)
from lithiscope.kinetics.regime_profiles import fold_lines, fold_table, times_of
from lithiscope.kinetics.regime_times import case_times
from lithiscope.kinetics.times import reaction_time, time_ratio
from lithiscope.laws import ChemicalPotential

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]


def diagnose_regime(
    channels: xr.Dataset,
    *,
    half_cycle: int | None = None,
    diffusivity: tuple[float, float] | None = None,
    exchange_current: tuple[float, float] | None = None,
    overpotential_volt: ArrayLike | None = None,
    potential: ChemicalPotential | None = None,
    options: RegimeOptions = RegimeOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Return what speaks for a limit by the surface reaction and what for a limit by diffusion along the channels.

    Parameters
    ----------
    channels : line_cuts or channel_table
        Line cuts along the channels, face to face, of one particle in the frames of a half cycle; or a channel table,
        which knows no position but surface and interior and so gives fewer pieces.
    half_cycle : int, optional
        Which one; needed if there are several.
    diffusivity : (float, float), optional
        Smallest and largest chemical diffusivity thought possible, m2/s; for `ratio_of_times` only.
    exchange_current : (float, float), optional
        j0 (mean over x) and its standard deviation, A/m2, from *elsewhere*, e.g. a slow half cycle. One from this half
        cycle already contains what diffusion took and would hide a limit by the bulk: leave it out then, and the
        overpotential, or `options.drive`, takes its place; then a limit by the bulk can hardly be shown.
    overpotential_volt : (frames - 1,) array or float, optional
        Of every interval between frames of the half cycle; NaN where it is not known. With `potential` it is V - V0,
        less ohmic drop, instead.
    potential : ChemicalPotential, optional
        mu(x)/kT of a uniform particle, added at the composition of the face.
    options : RegimeOptions
        Faces, resolution, band, level, rule.

    Returns
    -------
    evidence_table
        One row per piece with value, error, 95 % range, boundary, probability for the surface reaction and its own
        verdict. A piece decides if the ratio of times lies outside a factor of `band` with probability `level`. The
        verdict on all: at least `agreeing` pieces decide alike and none the other way; else it is not decidable.
        ``attrs["confidence"]`` says which pieces spoke how. There is no lumped probability. Beside that the three times
        of the morphology diagram, with their 95 % ranges.

    Raises
    ------
    AnalysisError
        If there are too few frames or pixels, noise or direction are unknown, or the composition does not change.
    StageError
        If `channels` is another stage.
    """
    stages.check(channels, "line_cuts", "channel_table")
    fold = fold_lines if channels.attrs["stage"] == "line_cuts" else fold_table
    folded = fold(channels, half_cycle, options)
    rng = np.random.default_rng(options.seed)
    copies = noisy_copies(folded, options, rng)
    overpotential = _per_interval(overpotential_volt, times_of(channels, half_cycle), folded.time)
    pieces: list[Piece] = []
    if diffusivity is not None and exchange_current is not None:
        pieces.append(times_piece(folded.length, diffusivity, exchange_current, options))
    crosses = False
    if np.isfinite(folded.mixed):
        width = width_piece(folded, options)
        crosses = width.high < width.boundary
        pieces.append(width)
    scale = _scale(copies, exchange_current, overpotential, potential, rng)
    pieces += profile_pieces(copies, scale, rng, boundary_crosses=crosses)
    pieces.append(current_piece(copies, overpotential, potential, options))
    return evidence_of(pieces, case_times(copies, exchange_current), exchange_current, options)


def _per_interval(overpotential: ArrayLike | None, times: FloatArray, used: FloatArray) -> FloatArray | None:
    """Return the overpotential between the frames that are used, from that between all; None where all is NaN."""
    if overpotential is None:
        return None
    values = np.asarray(overpotential, dtype=float)
    if values.shape not in ((), (len(times) - 1,)):
        raise AnalysisError(
            "the overpotential does not fit the intervals",
            field="overpotential_volt",
            value=values.shape,
            limit=f"one number, or {len(times) - 1} of them (one per interval between the frames of the half cycle)",
        )
    values = np.broadcast_to(values, (len(times) - 1,))
    known = np.isfinite(values)
    weight = np.diff(times) * known
    first = np.searchsorted(times, used)
    total = np.add.reduceat(weight, first[:-1])[: len(used) - 1]
    summed = np.add.reduceat(weight * np.where(known, values, 0.0), first[:-1])[: len(used) - 1]
    mean = np.full(len(used) - 1, np.nan)
    np.divide(summed, total, out=mean, where=total > 0)
    return mean if np.isfinite(mean).any() else None


def times_piece(
    length: float, diffusivity: tuple[float, float], exchange_current: tuple[float, float], options: RegimeOptions
) -> Piece:
    """Return the ratio of times of a channel (nm) from a range of D (m2/s), and j0 with its error (A/m2)."""
    ratio = time_ratio(
        length,
        diffusivity,
        exchange_current,
        site_density=options.site_density,
        faces=options.faces,
        diffusion_length="half" if options.faces == 2 else "full",
    )
    outside = float(np.log10(options.band))
    verdict = SURFACE if ratio.probability_above(outside) >= options.level else OPEN
    verdict = BULK if 1 - ratio.probability_above(-outside) >= options.level else verdict
    return Piece(
        "ratio_of_times",
        "log10 of tau_reaction/tau_bulk from the stated diffusivity and exchange current",
        ratio.mean,
        ratio.std,
        ratio.quantile(0.025),
        ratio.quantile(0.975),
        0.0,
        ratio.probability_above(0.0),
        verdict,
    )


def _scale(
    copies: Copies,
    exchange_current: tuple[float, float] | None,
    overpotential: FloatArray | None,
    potential: ChemicalPotential | None,
    rng: np.random.Generator,
) -> Scale:
    options, folded = copies.options, copies.folded
    normal = np.concatenate([[0.0], rng.normal(size=options.draws)])
    if exchange_current is not None:
        value, std = exchange_current
        seconds = reaction_time(folded.length, value, site_density=options.site_density, faces=options.faces)
        return Scale(np.log10(seconds) + normal * np.log10(1 + std / value), normal)
    drive = options.drive
    if overpotential is not None:
        drive = reaction_decay(copies, float(np.nanmean(overpotential)), potential, options)
    return Scale(None, np.log10(drive) + normal * options.drive_spread)


def overall(pieces: list[Piece], agreeing: int) -> tuple[str, str]:
    """Return the verdict on all pieces and the words that say which spoke how."""
    names = {side: [piece.name for piece in pieces if piece.verdict == side] for side in (SURFACE, BULK, OPEN)}
    said = "; ".join(
        f"{len(found)} of {len(pieces)} pieces {'say' if side != OPEN else 'are'} {side}"
        + (f" ({', '.join(found)})" if found else "")
        for side, found in names.items()
    )
    if names[SURFACE] and names[BULK]:
        return OPEN, f"the pieces contradict each other: {said}"
    for side in (SURFACE, BULK):
        if len(names[side]) >= agreeing:
            return side, f"{said}; none speaks against it"
    return OPEN, f"fewer than {agreeing} pieces decide alike: {said}"


def evidence_of(
    pieces: list[Piece],
    times: dict[str, float],
    exchange_current: tuple[float, float] | None,
    options: RegimeOptions,
) -> xr.Dataset:
    """Return the evidence_table of one case from its pieces, its times (s) and j0 with its error."""
    verdict, confidence = overall(pieces, options.agreeing)
    figures = ("value", "value_std", "low", "high", "boundary", "probability")
    fields = ("value", "std", "low", "high", "boundary", "probability")
    value, std = (np.nan, np.nan) if exchange_current is None else exchange_current
    return stages.new(
        "evidence_table",
        {
            **{
                name: ("evidence", np.array([getattr(piece, field) for piece in pieces]))
                for name, field in zip(figures, fields, strict=True)
            },
            **{
                name: ("evidence", np.array([getattr(piece, name) for piece in pieces], dtype=str))
                for name in ("verdict", "meaning")
            },
            "overall_verdict": ("", np.array(verdict)),
            "overall_confidence": ("", np.array(confidence)),
            "exchange_current_density": ("", value),
            "exchange_current_density_std": ("", std),
            "exchange_current_source": ("", np.array("none" if exchange_current is None else "stated")),
            **{name: ("", one) for name, one in times.items()},
        },
        coords={"evidence": ("evidence", np.array([piece.name for piece in pieces], dtype=str))},
        attrs={"verdict": verdict, "confidence": confidence, "band": options.band},
    )

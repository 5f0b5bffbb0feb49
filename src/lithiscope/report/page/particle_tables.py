"""Tables of single particles: directions compared, boundaries at rest, growth of differences, surface, dose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.report.page.content import Table
from lithiscope.report.page.kinetic_tables import per_half_cycle, table_of
from lithiscope.report.page.tables import long_csv
from lithiscope.report.plots import readable

if TYPE_CHECKING:
    import xarray as xr


def asymmetry_rows(asymmetry: xr.Dataset) -> list[Table]:
    """Return C-rate and overpotential at one composition by half cycle, and by pair of half cycles their comparison."""
    at = float(asymmetry.attrs.get("lithium_fraction", np.nan))
    names = [("c_rate", "C-rate / (1/h)"), ("c_rate_std", "σ"), ("overpotential_volt", "Overpotential / V"),
             ("overpotential_volt_std", "σ of it / V")]  # fmt: skip
    caption = f"Particles where they pass x = {at:g}; a dash: it did not pass there."
    whole = per_half_cycle(asymmetry, names, caption, "at-one-composition")
    return [whole, *([_pair_rows(asymmetry)] if "log_ratio" in asymmetry else [])]


def _pair_rows(asymmetry: xr.Dataset) -> Table:
    ratio = asymmetry["log_ratio"].transpose("particle", "pair").values
    std = np.full(ratio.shape, np.nan)
    if "log_ratio_std" in asymmetry:
        std = asymmetry["log_ratio_std"].transpose("particle", "pair").values
    rows = [
        (str(name), int(asymmetry["first"].values[k]), int(asymmetry["second"].values[k]), float(ratio[p, k]),
         float(std[p, k]), float(np.exp(ratio[p, k])))
        for p, name in enumerate(asymmetry["particle"].values)
        for k in range(ratio.shape[1])
    ]  # fmt: skip
    columns = ("Particle", "Lithiation", "Delithiation", "ln ratio", "σ", "Ratio")
    caption = "C-rate per overpotential, delithiation over lithiation; ln ratio 0: both directions alike."
    return Table(columns, tuple(rows), caption, long_csv(asymmetry, ("particle", "pair")), "directions")


def asymmetry_text(asymmetry: xr.Dataset) -> str:
    """Return in one sentence how much faster particles delithiate per overpotential; empty without pairs."""
    if "log_ratio" not in asymmetry:
        return ""
    values = np.asarray(asymmetry["log_ratio"].values, dtype=float)
    known = np.isfinite(values)
    each = np.array([row[good].mean() for row, good in zip(values, known, strict=True) if good.any()])
    if not each.size:
        return ""
    doubt = f" ± {np.exp(each.mean()) * each.std(ddof=1) / np.sqrt(each.size):.2g}" if each.size > 1 else ""
    at = float(asymmetry.attrs.get("lithium_fraction", np.nan))
    return (
        f"At x = {at:g} the C-rate per overpotential is {np.exp(each.mean()):.3g}{doubt} times as large on "
        f"delithiation as on lithiation ({each.size} particles)."
    )


def boundary_rows(boundaries: xr.Dataset) -> Table:
    """Return one row per particle and frame at rest: direction of the boundary, and of the nearest facet."""
    names = [("boundary_angle", "Boundary / °"), ("boundary_angle_std", "σ / °"), ("facet_angle", "Nearest facet / °"),
             ("facet_difference", "Boundary less facet / °"), ("facet_difference_std", "σ of it / °"),
             ("coherence", "Coherence")]  # fmt: skip
    present = [(name, head) for name, head in names if name in boundaries]
    values = {name: boundaries[name].transpose("particle", "time").values for name, _ in present}
    rows = [
        (str(particle), float(time) / 60, *(float(values[name][p, t]) for name, _ in present))
        for p, particle in enumerate(boundaries["particle"].values)
        for t, time in enumerate(boundaries["time"].values)
    ]
    caption = (
        "Boundaries between rich and poor at rest, degrees from +x towards +y; a dash: no one direction beyond noise. "
        f"Facets: {boundaries.attrs.get('facets', 'not stated')}."
    )
    csv = long_csv(boundaries, ("particle", "time"))
    return Table(("Particle", "Time / min", *(head for _, head in present)), tuple(rows), caption, csv, "rest-angles")


def growth_rows(path: xr.Dataset) -> Table:
    """Return one row per particle and half cycle: how much a small difference could grow, how long it was unstable."""
    names = [("largest_log_growth", "Largest ln growth"), ("largest_log_growth_low", "95 % from"),
             ("largest_log_growth_high", "to"), ("unstable_share", "Unstable share"),
             ("unstable_share_low", "share, 95 % from"), ("unstable_share_high", "share, to")]  # fmt: skip
    caption = (
        "Along the measured paths: the logarithm of the most that a small difference was multiplied by, and the share "
        f"of the path in x that is unstable. {path.attrs.get('state', '')}; "
        f"k0 = {path.attrs.get('rate_constant', 'not stated')}."
    )
    return per_half_cycle(path, names, caption, "growth")


def surface_shift_rows(shift: xr.Dataset) -> Table:
    """Return one row per particle and half cycle: means over the intervals of the shift of F from averaging ends."""
    half = np.asarray(shift["half_cycle"].values)
    heads = (("lithium_fraction", "x of the ends"), ("spread", "Spread between the ends"),
             ("relative_shift", "Shift of F / %"))  # fmt: skip
    rows = []
    for p, particle in enumerate(shift["particle"].values):
        for number in np.unique(half[half >= 0]):
            values = {
                name: shift[name].transpose("particle", "interval").values[p, half == number] for name, _ in heads
            }
            good = np.isfinite(values["relative_shift"])
            means = [float(one[good].mean()) if good.any() else float("nan") for one in values.values()]
            rows.append((str(particle), int(number), *means[:-1], 100 * means[-1], int(good.sum())))
    law = str(shift.attrs["law"]).replace("_", " ")
    caption = (
        f"What averaging x over the two ends of a channel does to F ({law}), means over intervals: where F is concave, "
        "the points of j₀(x) lie too low by this."
    )
    columns = ("Particle", "Half cycle", *(head for _, head in heads), "Intervals")
    return Table(columns, tuple(rows), caption, long_csv(shift, ("particle", "interval")), "surface-shift")


def track_rows(tracks: xr.Dataset) -> Table:
    """Return one row per particle: how far its centre strayed, how well that is known, and how its area changed."""
    place = 1e3 * tracks["centroid"].transpose("particle", "time", "axis").values
    std = np.full(place.shape, np.nan)
    if "centroid_std" in tracks:
        std = 1e3 * tracks["centroid_std"].transpose("particle", "time", "axis").values
    rows = []
    for row, name in enumerate(tracks["particle"].values):
        known = np.isfinite(place[row]).all(axis=1)
        away = place[row][known] - np.median(place[row][known], axis=0) if known.any() else np.zeros((0, 2))
        steps = np.sqrt(np.sum(np.diff(place[row], axis=0) ** 2, axis=1))
        area = tracks["area"].transpose("particle", "cycle").values[row] if "area" in tracks else np.array([np.nan])
        rows.append(
            (
                str(name),
                _largest(np.sqrt(np.sum(away**2, axis=1))),
                _largest(steps),
                float(np.median(std[row][known])) if known.any() else float("nan"),
                int(known.sum()),
                float(area[0]),
                100 * float(area[-1] / area[0] - 1) if len(area) > 1 and area[0] > 0 else float("nan"),
            )
        )
    columns = (
        "Particle", "Farthest from its median place / nm", "Largest step / nm", "Median σ / nm", "Frames",
        "Area in the first cycle / µm²", "Change to the last / %",
    )  # fmt: skip
    caption = "Where the particles were: the centre of their amount of material. A dash: no value, or one cycle only."
    return Table(columns, tuple(rows), caption, tracks_csv(tracks), "tracks")


def tracks_csv(tracks: xr.Dataset) -> str:
    """Return the centre of every particle in every frame as csv, with a column for each axis."""
    flat = tracks.drop_vars(["centroid", "centroid_std", "area"], errors="ignore").drop_dims("cycle", errors="ignore")
    for name in ("centroid", "centroid_std"):
        for axis in tracks["axis"].values if name in tracks else ():
            flat[f"{name}_{axis}"] = tracks[name].sel(axis=axis, drop=True)
    return long_csv(flat.drop_vars("axis", errors="ignore"), ("particle", "time"))


def _largest(values: Any) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else float("nan")


def dose_text(gray: float) -> str:
    """Return a dose in the unit in which it reads between 1 and 1000.

    Examples
    --------
    >>> dose_text(6e7), dose_text(6e4), dose_text(60)
    ('60 MGy', '60 kGy', '60 Gy')
    """
    factor, unit = readable([gray], "Gy")
    return f"{gray * factor:.3g} {unit}"


def dose_rows(dose: xr.Dataset) -> Table:
    """Return one row per particle: its dose after the last scan against the limit, and when it passed that."""
    limit, first = float(dose.attrs["limit"]), dose["first_above"].values
    factor, unit = readable(dose["dose"].values, "Gy")
    columns: dict[str, list[Any]] = {
        "Particle": [str(name) for name in dose["particle"].values],
        f"Dose / {unit}": [float(one) * factor for one in dose["dose"].values],
        "Dose over limit": [float(one) / limit for one in dose["dose"].values],
        "Passed in scan": [str(int(frame) + 1) if frame >= 0 else "not passed" for frame in first],
        "Passed at / min": [float(second) / 60 for second in dose["second_above"].values],
    }
    caption = f"Dose of each particle ({dose.attrs.get('of', '')}) against the limit of {dose_text(limit)}."
    return table_of(columns, caption, long_csv(dose, ("particle",)), "dose")

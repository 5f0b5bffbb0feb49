"""The rate constant of a law j0 = k0 F(x), fitted to exchange current densities, and the comparison of laws."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import laws as law_functions
from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.kinetics.kernels.errors_in_both import Problem, Solution, solve
from lithiscope.kinetics.law_fit_options import LawFitOptions
from lithiscope.kinetics.law_points import Points, points_of
from lithiscope.kinetics.law_shapes import FREE, Shape, interval_mean, shapes_of

if TYPE_CHECKING:
    import xarray as xr

_LAWS = ("skewed_lim", "symmetric", "constant", FREE)
_FEWEST_PARTICLES = 3  # that show a scatter between them
_SURE = 0.01  # probability of a chi-square at which errors are enlarged


class _Fit(NamedTuple):
    """One law at its best."""

    shape: Shape
    solution: Solution
    deviation: np.ndarray  # of the parameters

    @property
    def rate_constant(self) -> float:
        return float(self.solution.parameters[0])

    @property
    def peak_position(self) -> float:
        return self.shape.peak(self.solution.parameters[1:])

    @property
    def aic(self) -> float:
        count = len(self.solution.parameters) + (self.solution.scatter > 0)
        return 2 * count - 2 * self.solution.log_likelihood


def fit_exchange_current(
    tables: xr.Dataset | Sequence[xr.Dataset],
    laws: Sequence[str | law_functions.ExchangeLaw] = _LAWS,
    *,
    options: LawFitOptions = LawFitOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Fit k0 of j0 = k0 F(x) to the exchange currents of particles, and compare laws F.

    Parameters
    ----------
    tables : rate_table or sequence of them
        With exchange currents; tables of several studies have noise of their own.
    laws : sequence of str or ExchangeLaw
        Names of `lithiscope.laws.exchange_law_names`, laws themselves, or "free": a shape with maximum 1 whose position
        and sharpness are fitted too, so that its k0 is the largest j0 and its peak is measured.
    options : LawFitOptions
        Recipe, points that take part, scatter between particles, robustness.

    Returns
    -------
    law_fit
        Points, and for every law k0 with its error and shifts by named cause, the curve with its standard deviation,
        chi-square, log-likelihood, Akaike's criterion and the position of the peak. ``attrs["preferred"]`` is the law
        among those with a name that is better than every other by `decisive`, else "none"; ``attrs["verdict"]`` says so
        in words. Shifts beside those of the table: ``capacity`` and ``capacity_delithiated``, x (and with it the rate)
        compressed from the lithiated and from the delithiated end.

    Raises
    ------
    StageError
        If a table has no exchange current with its error.
    AnalysisError
        If fewer points take part than the laws have parameters, or no law can be fitted.
    OptionError
        If a law is unknown.

    Notes
    -----
    Errors are in both variables. One error of a frame moves two intervals, in each of them the rate and the middle
    composition, so the residuals of a particle have a tridiagonal covariance; what all particles share (I0, the noise
    of the overpotential) couples them. With three or more particles k0 may differ between them; its standard deviation
    then holds for the mean of the population, and is enlarged by Student's t over the normal quantile for as many
    particles, so that 1.96 of it cover 95 %. Where chi-square says at 1 % that the errors of the best law are too
    small, all are enlarged in proportion.
    """
    import xarray as xr

    points = points_of([tables] if isinstance(tables, xr.Dataset) else list(tables), options)
    used = points.chosen()
    shapes = shapes_of(laws)
    most = 1 + max(len(shape.start) for shape in shapes)
    if len(used.x) <= most:
        raise AnalysisError(
            "too few points for the fit",
            field="tables",
            value=len(used.x),
            limit=f"more than {most}",
            remedy="use more intervals or particles, or laws with fewer parameters",
        )
    if options.recipe == "maximum":
        fits = [_at_maximum(used, shape) for shape in shapes]
        return _assembled(points, fits, {}, {"verdict": "no comparison: fitted to the largest value"}, options)
    fits = _fitted(used, shapes, options, 1.0)
    enlarged = _enlargement(fits, len(used.x))
    if enlarged > 1:
        fits = _fitted(used, shapes, options, enlarged)
    scatters = [fit.solution.scatter for fit in fits]
    shifts = {cause: _fitted(moved, shapes, options, enlarged, scatters) for cause, moved in _moved(used, options)}
    attrs = {**_verdict(fits, options.decisive), "errors_enlarged_by": enlarged}
    return _assembled(points, fits, shifts, attrs, options)


def _problem(points: Points, shape: Shape, enlarged: float) -> Problem:
    group = np.unique(points.particle, return_inverse=True)[1]
    reaction = points.drive
    drive = None if reaction is None else lambda x: reaction.rate(points.eta[:, None], x)
    return Problem(
        np.stack([points.x, points.width, np.zeros_like(points.x)]),
        points.y,
        np.stack([points.x_noise, points.width_noise, points.relative_noise]) * enlarged,
        points.y_noise * enlarged,
        group,
        # The error of the overpotential is one of an input, too: j = k0 F r(eta), so that its effect goes with the law
        # and not with the noisy value, which would give more weight to what happens to be small.
        lambda x, p: interval_mean(shape, x[0], x[1], p, drive) * (1 + x[2]),
    )


def _fitted(
    points: Points,
    shapes: Sequence[Shape],
    options: LawFitOptions,
    enlarged: float,
    scatters: Sequence[float] | None = None,
) -> list[_Fit]:
    """Fit every law, with the scatter between particles given or found; a law that cannot be fitted has NaN."""
    particles = len(set(points.particle))
    finds = options.particle_scatter and particles >= _FEWEST_PARTICLES
    fits = []
    for number, shape in enumerate(shapes):
        scatter = (None if finds else 0.0) if scatters is None else scatters[number]
        huber = options.robust_sigma if options.robust else None
        try:
            found = solve(_problem(points, shape, enlarged), np.array(shape.start), scatter=scatter, huber=huber)
        except np.linalg.LinAlgError:
            found = None
        if found is None or not found.converged or not found.parameters[0] > 0:
            fits.append(_lost(shape))
        else:
            fits.append(_Fit(shape, found, _deviations(found, particles)))
    return fits


def _lost(shape: Shape) -> _Fit:
    count = 1 + len(shape.start)
    nothing = np.full(count, np.nan)
    solution = Solution(nothing, np.full((count, count), np.nan), 0.0, np.nan, np.nan, converged=False)
    return _Fit(shape, solution, nothing)


def _deviations(solution: Solution, particles: int) -> np.ndarray:
    """Return standard deviations; that of k0 with Student's t for the part that comes from few particles."""
    from scipy.stats import t

    std = np.sqrt(np.diag(solution.covariance))
    between = (solution.parameters[0] * solution.scatter) ** 2 / particles
    if between > 0:
        # Satterthwaite: only the scatter between particles is itself estimated, from as many as there are.
        freedom = max((std[0] ** 2 / between) ** 2, 1.0) * (particles - 1)
        std[0] *= t.ppf(0.975, freedom) / 1.959964
    return np.asarray(std)


def _enlargement(fits: Sequence[_Fit], points: int) -> float:
    """Return the factor by which all errors are too small, 1 where chi-square does not say so.

    Raises
    ------
    AnalysisError
        If no law could be fitted.
    """
    from scipy.stats import chi2

    best = 1.0, np.inf
    for fit in fits:
        freedom = points - len(fit.solution.parameters)
        chi = fit.solution.chi_square
        if np.isfinite(chi) and chi / freedom < best[1]:
            best = (float(chi2.sf(chi, freedom)), chi / freedom)
    if not np.isfinite(best[1]):
        raise AnalysisError(
            "no law can be fitted",
            field="laws",
            value=[fit.shape.name for fit in fits],
            remedy="look at the points: their errors, their range of x and their sign",
        )
    return float(np.sqrt(best[1])) if best[0] < _SURE and best[1] > 1 else 1.0


def _moved(points: Points, options: LawFitOptions) -> list[tuple[str, Points]]:
    """Return the points as every named cause moves them."""
    found = [(cause, points.moved(cause)) for cause in points.shifts]
    ratio = options.capacity_ratio
    if ratio is not None and ratio < 1:
        narrow = points._replace(y=points.y * ratio, width=points.width * ratio)
        found.append(("capacity", narrow._replace(x=points.x * ratio)))
        found.append(("capacity_delithiated", narrow._replace(x=1 - (1 - points.x) * ratio)))
    return found


def _at_maximum(points: Points, shape: Shape) -> _Fit:
    """Scale the law so that its maximum is the largest value (Lim 2016); the error is that of this one point."""
    top = int(np.argmax(points.y))
    p = np.array(shape.start)
    grid = np.linspace(0.001, 0.999, 1999)
    largest = float(np.max(shape.value(grid, p)))
    k, std = points.y[top] / largest, float(points.y_std[top]) / largest
    covariance = np.diag([std**2, *np.full(len(p), np.nan)])
    return _Fit(
        shape,
        Solution(np.array([k, *p]), covariance, 0.0, np.nan, np.nan, converged=True),
        np.array([std, *np.full(len(p), np.nan)]),
    )


def _verdict(fits: Sequence[_Fit], decisive: float) -> dict[str, Any]:
    named = sorted((fit for fit in fits if fit.shape.name != FREE and np.isfinite(fit.aic)), key=lambda fit: fit.aic)
    if not named:
        return {"preferred": "none", "verdict": "no law with a name could be fitted"}
    best = named[0].shape.name
    near = [fit.shape.name for fit in named[1:] if fit.aic - named[0].aic < decisive]
    if len(named) == 1:
        words = f"{best} alone was fitted"
    elif near:
        words = f"cannot tell: {', '.join([best, *near])} differ by less than {decisive:g}"
    else:
        gap = named[1].aic - named[0].aic
        words = f"{best} preferred to {named[1].shape.name} by {gap:.1f}"
    failed = [fit.shape.name for fit in fits if not np.isfinite(fit.aic)]
    if failed:
        words += f"; {', '.join(failed)} could not be fitted"
    free = [fit for fit in fits if fit.shape.name == FREE and np.isfinite(fit.aic)]
    if free and named[0].aic - free[0].aic > decisive:
        words += f"; but a free shape fits better by {named[0].aic - free[0].aic:.1f}"
    return {"preferred": "none" if near else best, "verdict": words}


def _curve(fit: _Fit, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the fitted curve and its standard deviation."""
    k, p = fit.solution.parameters[0], fit.solution.parameters[1:]
    value = fit.shape.value(grid, p)
    columns = [value]
    for index in range(len(p)):
        step = np.zeros(len(p))
        step[index] = 1e-5
        columns.append(k * (fit.shape.value(grid, p + step) - fit.shape.value(grid, p - step)) / 2e-5)
    slopes = np.stack(columns)
    variance = np.einsum("pg,pq,qg->g", slopes, fit.solution.covariance, slopes)
    return k * value, np.sqrt(np.maximum(variance, (value * fit.deviation[0]) ** 2 if not len(p) else variance))


def _peak_std(fit: _Fit) -> float:
    if not len(fit.shape.start):
        return 0.0 if np.isfinite(fit.peak_position) else float("nan")
    p = fit.solution.parameters[1:]
    slope = np.array([fit.shape.peak(p + step) - fit.shape.peak(p - step) for step in np.eye(len(p)) * 1e-5]) / 2e-5
    return float(np.sqrt(slope @ fit.solution.covariance[1:, 1:] @ slope))


def _assembled(
    points: Points,
    fits: Sequence[_Fit],
    shifts: dict[str, list[_Fit]],
    attrs: dict[str, Any],
    options: LawFitOptions,
) -> xr.Dataset:
    failed = [fit.shape.name for fit in fits if not np.isfinite(fit.rate_constant)]
    if failed:
        warnings.warn(f"no fit was found for {', '.join(failed)}", LithiscopeWarning, stacklevel=3)
    grid = np.linspace(0, 1, options.grid + 2)[1:-1]
    curves = [_curve(fit, grid) for fit in fits]
    used = int(points.used.sum())
    most = max(len(fit.solution.parameters) for fit in fits)
    variables: dict[str, tuple[str, Any]] = {
        "lithium_fraction": ("point", points.x),
        "lithium_fraction_std": ("point", np.linalg.norm(points.x_noise, axis=1)),
        "exchange_current_density": ("point", points.y),
        "exchange_current_density_std": ("point", points.y_std),
        "used": ("point", points.used),
        "x_grid": ("grid", grid),
        "fit": ("law grid", [curve[0] for curve in curves]),
        "fit_std": ("law grid", [curve[1] for curve in curves]),
        "rate_constant": ("law", [fit.rate_constant for fit in fits]),
        "rate_constant_std": ("law", [fit.deviation[0] for fit in fits]),
        "chi_square": ("law", [fit.solution.chi_square for fit in fits]),
        "log_likelihood": ("law", [fit.solution.log_likelihood for fit in fits]),
        "aic": ("law", [fit.aic for fit in fits]),
        "particle_scatter": ("law", [fit.solution.scatter for fit in fits]),
        "peak_position": ("law", [fit.peak_position for fit in fits]),
        "peak_position_std": ("law", [_peak_std(fit) for fit in fits]),
    }
    coords: dict[str, tuple[str, Any]] = {
        "law": ("law", np.array([fit.shape.name for fit in fits], dtype=str)),
        "particle": ("point", points.particle),
        "direction": ("point", points.direction),
    }
    if shifts:
        coords["systematic"] = ("systematic", np.array(list(shifts), dtype=str))
        for name in ("rate_constant", "peak_position"):
            old = np.array(variables[name][1])
            moved = [np.array([getattr(fit, name) for fit in found]) - old for found in shifts.values()]
            variables[f"{name}_shift"] = ("systematic law", moved)
    if options.capacity_ratio is not None:
        attrs["capacity_ratio"] = options.capacity_ratio
    attrs = {"preferred": "none", **attrs, "degrees_of_freedom": used - most, "recipe": options.recipe}
    attrs["region"] = options.region
    attrs["particles"] = len(set(points.particle[points.used]))
    return stages.new("law_fit", variables, coords=coords, attrs=attrs)

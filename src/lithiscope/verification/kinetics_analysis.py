"""A virtual kinetic experiment analysed as a study is, from the noisy video and the trace to the table of rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope import cell, kinetics
from lithiscope.instruments.reaction import RateField, Reacting
from lithiscope.kinetics.options import CurrentOptions, ExchangeOptions, UniformOptions
from lithiscope.verification.virtual_kinetics import KineticExperiment, fast_domains_of, with_noise

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

FAST = 1.5  # relative rate of the fast domains
SLOW = 0.5
_QUIET = CurrentOptions(inactive_face=False, attenuation_fraction=0.0)  # no named shifts: they cost a fit each


class Analysed(NamedTuple):
    """What the analysis made of an experiment, and of the same without noise.

    Parameters
    ----------
    table, true_table : xarray.Dataset
        Stage rate_table, with the region "all" and the uniform pixels of the regions "fast" and "slow"; the same pixels
        in both tables.
    domains : xarray.Dataset
        Stage domain_video.
    dice : ndarray, shape (half cycles, particles)
        Overlap of the persistent domains with the true ones.
    uniformity, true_uniformity : xarray.Dataset
        Stage uniformity_table.
    rate : mapping of str to ndarray, shape (particles,)
        True mean relative rate of the uniform pixels of each domain; the rim of a fast domain is slower than its
        middle. NaN without such pixels.
    """

    table: xr.Dataset
    true_table: xr.Dataset
    domains: xr.Dataset
    dice: Array
    uniformity: xr.Dataset
    true_uniformity: xr.Dataset
    rate: dict[str, Array]


def random_fields(rng: np.random.Generator) -> tuple[RateField, ...]:
    """Return the rates of three platelets, each with two fast domains of 60 to 80 pixels at places of their own."""

    def spot(side: float) -> tuple[float, float]:
        return side * float(rng.uniform(0.27, 0.35)), float(rng.uniform(-0.1, 0.1))

    return tuple(
        RateField(spots=(spot(-1.0), spot(1.0)), radius=float(rng.uniform(0.22, 0.25)), fast=FAST, slow=SLOW)
        for _ in range(3)
    )


def intervals_of(experiment: KineticExperiment) -> xr.Dataset:
    """Return stage cell_intervals of the frames, with the true resistance and equilibrium voltage stated."""
    electrode = experiment.reaction.electrode
    options = cell.SplitOptions(nominal_capacity_ah=electrode.capacity)
    trace, half_cycles = cell.split(experiment.trace, options=options)
    return cell.over_intervals(
        trace,
        half_cycles,
        cell.fit_clock(options=cell.ClockOptions(offset_second=0.0)),
        experiment.video["time"].values,
        resistance=cell.ohmic_resistance(options=cell.ResistanceOptions(ohm=electrode.resistance)),
        equilibrium=cell.equilibrium_voltage(options=cell.EquilibriumOptions(volt=electrode.equilibrium_volt)),
    )


def table_of(video: xr.Dataset, intervals: xr.Dataset, regions: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Return stage rate_table with exchange currents by the Butler-Volmer law."""
    options = ExchangeOptions(
        law="butler_volmer", compare_with=None, compare_equilibrium=False, largest_overpotential=None
    )
    rates = kinetics.with_current_density(kinetics.insertion_rate(video), options=_QUIET)
    rates = kinetics.with_exchange_current(rates, intervals, options=options)
    return kinetics.rate_table(rates, regions=regions)


def analysed(experiment: KineticExperiment) -> Analysed:
    """Return what the analysis makes of an experiment, beside the truth."""
    from lithiscope.kinetics.domains import fast_domains
    from lithiscope.kinetics.uniformity import uniformity

    video = experiment.video
    silent = with_noise(experiment.truth, 1e-6, np.random.default_rng(0))
    intervals = intervals_of(experiment)
    domains = fast_domains(video, video["label"])
    names: tuple[Literal["fast", "slow"], ...] = ("fast", "slow")
    regions: dict[str, xr.DataArray] = {
        name: kinetics.uniform_pixels(video, video["label"], domains=domains, options=UniformOptions(domain=name))
        for name in names
    }
    return Analysed(
        table_of(video, intervals, regions),
        table_of(silent, intervals, regions),
        domains,
        _dice(experiment, domains),
        uniformity(video, video["label"]),
        uniformity(silent, video["label"]),
        {name: _true_rate(experiment, pixels.values) for name, pixels in regions.items()},
    )


def _true_rate(experiment: KineticExperiment, uniform: NDArray[np.bool_]) -> Array:
    """Return the mean relative rate of the chosen pixels of every particle."""
    truth = experiment.truth
    y, x, label = truth["y"].values[:, None], truth["x"].values, truth["label"].values
    found = []
    for number, platelet in enumerate(experiment.scene.platelets, start=1):
        chosen = uniform & (label == number)
        pathway = platelet.pathway
        known = isinstance(pathway, Reacting) and chosen.any()
        rate = pathway.field.rate(platelet.place(y, x)) if isinstance(pathway, Reacting) else np.zeros(label.shape)
        found.append(float(rate[chosen].mean()) if known else np.nan)
    return np.array(found)


def _dice(experiment: KineticExperiment, domains: xr.Dataset) -> Array:
    """Return the overlap of pixels that are fast in more than half of the decided frames with the truly fast ones."""
    truth = fast_domains_of(experiment)
    label = experiment.video["label"].values
    found = np.empty((domains.sizes["half_cycle"], domains.sizes["particle"]))
    for row, share in enumerate(domains["persistent"].values):
        for column, number in enumerate(np.unique(label[label > 0])):
            one, two = (share > 0.5) & (label == number), truth & (label == number)
            found[row, column] = 2 * np.count_nonzero(one & two) / (one.sum() + two.sum())
    return found

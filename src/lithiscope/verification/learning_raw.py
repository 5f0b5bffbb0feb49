"""Kinetics learned from raw virtual recordings, through every step of a recipe, against those that made them.

The particle of `virtual_learning` lies under the virtual microscope as a platelet of its thickness, off the pixels by
a fraction of one. The stage drifts, the probe blurs, lines are exposed one after another, photons, flux and detector
are noisy, and the ring current decays. The potentiostat's file has the voltage with its noise, offset and ohmic drop.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, final

import numpy as np

from lithiscope import stages
from lithiscope.errors import LithiscopeWarning
from lithiscope.instruments.potentiostat import write_mpt
from lithiscope.instruments.stxm import (
    Ellipse,
    HalfCycle,
    MicroscopeOptions,
    Moment,
    Pathway,
    Place,
    Platelet,
    Scene,
    scan_duration,
)
from lithiscope.verification.learning_found import Found, found_of, options_of, spread_of
from lithiscope.verification.rows import Row
from lithiscope.verification.virtual_learning import PIXEL, THICKNESS, Course, Truth
from lithiscope.verification.virtual_stxm import make_experiment, offset_of, read_truth

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.learning.fit import Mapper
    from lithiscope.studies.recipe import Recipe

_SOURCE = (
    "virtual lithiation and delithiation at 0.6C, 9 scans of 3 energies each, 50 nm pixels and probe, sigma 0.07, "
    "drift of 0.1 um/h, flicker 1 %, voltage to 2 mV"
)
_BAR = "a bar of the design, with no slack"
_SEEDS = range(10)
_PATCHES = 25  # of a particle: its pixels over those that one correlation length covers
_SPOT = 21.0  # nm, 0.42 of the diameter of the probe: where the learning of the blur starts
_FINER = 2  # cells of the truth along a pixel of the microscope: the laws hold between its pixels too
_MARGIN = 0.6  # of the field beside the particle, um: the stage drifts by 0.4
_OFF = (0.3, -0.2)  # of the particle from the pixels, in pixels
_WAIT = 300.0  # s before the lithiation
_SAMPLES = 271  # of the course of a half cycle: one each 20 s
_CAPACITY, _OHM = 5.0e-9, 1.0e8  # Ah, and of the electrolyte (Lim et al. 2016), as the recipe says
_MICROSCOPE = MicroscopeOptions(
    incident_photons=4200.0, ring_lifetime=36000.0, top_up_interval=7200.0, spike_share=2e-5
)
_RECIPE = """lithiscope: 1
technique: stxm
data:
  folder: raw
  timezone: UTC
  series:
    - {direction: lithiation, cycle: 0, files: ["scan_00[0-8].hdr"]}
    - {direction: delithiation, cycle: 0, files: [scan_009.hdr, "scan_01*.hdr"]}
correct: {flicker: 0.01, dark_counts: 2, despike: true}
references:
  spectra:
    LiFePO4: {file: LiFePO4.csv, lithium_content: 1}
    FePO4: {file: FePO4.csv, lithium_content: 0}
cell:
  files: [cell.mpt]
  timezone: UTC
  doubtful: warn  # one particle between its spinodals: the voltage rises while it is lithiated
  split: {nominal_capacity_ah: 5.0e-9}
  resistance: {ohm: 1.0e+8, ohm_std: 3.0e+5}  # 3 nA leave 1 mV unknown
  equilibrium: {volt: 3.422, volt_std: 0.02}
  frames: {lithium_start: 0.05}
"""


@final
@dataclass(frozen=True)
class Simulated(Pathway):
    """Lithium fraction that was simulated in cells: straight lines between their centres, and in time.

    Parameters
    ----------
    seconds : ndarray, shape (time,)
        Increasing; before and after, the first and the last picture hold.
    x : ndarray, shape (time, y, x)
        Lithium fraction, with a value beyond the particle too.
    cell : float
        Size of a cell, um.
    """

    seconds: np.ndarray
    x: np.ndarray
    cell: float

    def fraction(self, moment: Moment, place: Place) -> np.ndarray:
        """Return the lithium fraction at places about the centre of the cells."""
        from scipy.ndimage import map_coordinates

        middle = (np.array(self.x.shape[1:]) - 1) / 2
        frame = np.interp(moment.time, self.seconds, np.arange(len(self.seconds)))
        row, column = (place.across / self.cell + middle[0], place.along / self.cell + middle[1])
        where = np.broadcast_arrays(frame, row, column)
        return np.asarray(map_coordinates(self.x, where, order=1, mode="nearest"))


def scene_of(truth: Truth, course: Course) -> Scene:
    """Return the particle of a course as a platelet in a field of its own; time counts from `_WAIT` before."""
    cell, pixel = 1e-3 * truth.pixel, 1e-3 * PIXEL
    height, width = (cell * size for size in truth.shape)
    field = tuple(pixel * round((2 * _MARGIN + size) / pixel) for size in (height, width))
    centre = tuple(side / 2 + pixel * off for side, off in zip(field, _OFF, strict=True))
    pathway = Simulated(course.seconds + _WAIT, beyond(course.x, truth.mask()), cell)
    outline = Ellipse(width / 2, height / 2)
    begin, length = course.seconds[:: len(course.seconds) // 2] + _WAIT, course.seconds[_SAMPLES - 1]
    protocol = tuple(
        HalfCycle(sign, float(start), 3600 / float(length)) for sign, start in zip((1, -1), begin, strict=True)
    )
    platelet = Platelet((centre[0], centre[1]), outline, pathway, thickness=THICKNESS)
    return Scene((platelet,), protocol, field[0], field[1])


def beyond(pictures: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return pictures (..., y, x) in which pixels off a mask have the value of the nearest one on it."""
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~mask, return_distances=False, return_indices=True)
    return np.asarray(pictures[..., nearest[0], nearest[1]])


def rows(truths: Mapping[str, Truth], mapper: Mapper = map) -> Iterator[Row]:
    """Yield the rows: rates of ten particles of each truth, which is simulated on finer cells than it is seen.

    Parameters
    ----------
    truths : mapping from name to Truth
        What the particles obey.
    mapper : callable
        `map`, or that of processes.
    """
    for name, truth in truths.items():
        yield from _rows(name, list(mapper(partial(_learned, finer(truth)), _SEEDS)))


def _learned(truth: Truth, seed: int) -> Found:
    with TemporaryDirectory() as folder:
        return learned_raw(truth, seed, Path(folder))


def finer(truth: Truth) -> Truth:
    """Return a particle as large and of the same kind, with finer cells."""
    return replace(truth, shape=(_FINER * truth.shape[0], _FINER * truth.shape[1]), pixel=truth.pixel / _FINER)


def _rows(name: str, found: list[Found]) -> Iterator[Row]:
    count = f"{name}, from raw files, {len(found)} seeds"
    share, patches = float(np.mean(np.concatenate([one.inside for one in found]))), _PATCHES * len(found)
    yield Row(
        f"share of pixels whose true ln k lies inside the 95 % bar, {count}", _SOURCE, 0.95, share,
        max(0.03, 3 * float(np.sqrt(0.95 * 0.05 / patches))),
        f"92 to 98 %, or three deviations of {patches} independent rates",
    )  # fmt: skip
    each = [one.correlation for one in found]
    yield Row(
        f"correlation of ln k with the truth, least of {count} ({spread_of(each)})", _SOURCE, 0.93,
        min(each), 0.0, _BAR, ">=",
    )  # fmt: skip
    each = [one.rate_error for one in found]
    yield Row(
        f"relative error of k, root mean square, worst of {count} ({spread_of(each)})", _SOURCE, 0.15,
        max(each), 0.0, _BAR, "<=",
    )  # fmt: skip
    each = [one.chi_square for one in found]
    yield Row(
        f"chi-square per degree of freedom, most off 1 of {count} ({spread_of(each)})", _SOURCE, 0.1,
        max(abs(one - 1) for one in each), 0.0, _BAR, "<=",
    )  # fmt: skip


def learned_raw(truth: Truth, seed: int, folder: Path) -> Found:
    """Learn one virtual particle from the raw files on; they and all results go to a folder.

    True ln k is compared on the pixels of the learned particle. Its cells are put where the particle was: about the
    centre of the platelet, moved by what the truth of the recording says the stage moved and the registration kept.
    """
    from lithiscope.studies.learning import LAWS, PARTICLE
    from lithiscope.studies.run import run_study

    recipe, scene = write_raw(truth, seed, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        study = run_study(recipe, folder / "results")
    laws, particle = study.results[LAWS], study.results[f"{PARTICLE}-0-1"]
    away = offset_of(read_truth(folder / "raw" / "truth.zarr"), study.results["alignment"])
    y, x = (particle[axis].values - moved for axis, moved in zip(("y", "x"), away, strict=True))
    field = log_rate_at(truth, seed, scene, y, x)
    return found_of(laws, particle, truth, field, study.records[LAWS]["seconds"])


def write_raw(truth: Truth, seed: int, folder: Path) -> tuple[Recipe, Scene]:
    """Write the raw files of a virtual particle, spectra, trace and truth; return a recipe for them, and the scene."""
    from lithiscope.studies.recipe import load_recipe
    from lithiscope.studies.recipe_learning import LearningSection

    course = truth.course(seed, _SAMPLES)
    scene = scene_of(truth, course)
    last = scan_duration(scene, _MICROSCOPE) + 1
    begins = np.concatenate([np.linspace(part.start + 1, part.end - last, truth.frames) for part in scene.protocol])
    make_experiment(folder / "raw", scene, begins.round(3), microscope=_MICROSCOPE, seed=seed)
    write_mpt(trace_of(truth, course), folder / "raw" / "cell.mpt")
    (folder / "recipe.yaml").write_text(_RECIPE, encoding="utf-8")
    asked = options_of(truth)
    seen = {"blur": _SPOT, "unknowns": (*asked.unknowns, "frame_blur")}
    learning = LearningSection(compute=True, **asked.model_dump() | seen)
    return load_recipe(folder / "recipe.yaml").model_copy(update={"learning": learning}), scene


def log_rate_at(truth: Truth, seed: int, scene: Scene, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return true ln k at points of the field (um), shape (y, x), from straight lines between cells."""
    from scipy.ndimage import map_coordinates

    cells, (platelet,) = beyond(truth.log_rate(seed), truth.mask()), scene.platelets
    rows, columns = (
        (at - centre) / (1e-3 * truth.pixel) + (size - 1) / 2
        for at, centre, size in zip((y, x), platelet.centre, truth.shape, strict=True)
    )
    return np.asarray(map_coordinates(cells, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest"))


def trace_of(truth: Truth, course: Course) -> xr.Dataset:
    """Return the trace of the potentiostat: rest, lithiation, rest, delithiation, rest."""
    half, time = len(course.seconds) // 2, course.seconds + _WAIT
    ends, apart = time[[0, half - 1, half, -1]], np.array([-1.0, 1.0, -1.0, 1.0])
    seconds = np.sort(np.concatenate([time, ends + apart, [0.0, ends[-1] + _WAIT]]))
    step = np.searchsorted(ends + apart / 2, seconds)
    current = _CAPACITY * truth.c_rate * np.array([0.0, -1.0, 0.0, 1.0, 0.0])[step]
    passed = (current[1:] + current[:-1]) / 2 * np.diff(seconds) / 3600
    return stages.new(
        "cell_trace",
        {
            "test_time_second": ("sample", seconds),
            "voltage_volt": (
                "sample",
                np.interp(seconds, time, truth.shown(course.volts, course.rng)) + _OHM * current,
            ),
            "current_ampere": ("sample", current),
            "net_capacity_ah": ("sample", np.concatenate([[0.0], np.cumsum(passed)])),
            "step_index": ("sample", step),
        },
        coords={"sample": ("sample", np.arange(len(seconds)))},
        attrs={
            "source": "simulation",
            "format": "virtual potentiostat",
            "current_source": "measured",
            "start_utc": _MICROSCOPE.start_utc,
        },
    )

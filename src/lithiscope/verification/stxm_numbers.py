"""Published numbers of the STXM path: attenuation, thickness, dose, and how a mean over pixels sharpens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.composition import xray
from lithiscope.instruments.stxm import MicroscopeOptions, acquire, hold, three_platelets
from lithiscope.verification.rows import Row, compare
from lithiscope.verification.stxm_scene import STILL, interior, noiseless

if TYPE_CHECKING:
    import xarray as xr

_SIDE = 0.05
_SIGMA = 0.06


def number_rows() -> Iterator[Row]:
    """Yield the rows on published numbers."""
    for table, length in (("henke", 434.5), ("chantler", 459.0)):
        yield compare(
            f"attenuation length of LiFePO4 (3.60 g/cm3) at 703 eV, table {table}",
            "Lim 2016: 434 nm; Henke 1993, Chantler 2000",
            length,
            xray.attenuation_length("LiFePO4", 3.60, 703.0, table=table),  # type: ignore[arg-type]
            within=0.5,
            because="rounding of the published values",
            unit="nm",
        )
    yield _thickness_row()
    yield _dose_row()
    yield from _mean_rows()


def _thickness_row() -> Row:
    scene = three_platelets("uniform", protocol=hold(0.5))
    acquired = acquire(scene, [0.0], options=MicroscopeOptions(**STILL))
    density = xray.optical_density(noiseless(acquired), blank=acquired.truth["thickness"].values < 1e-3)
    found = xray.thickness(density).values[interior(scene) == 1]
    return compare(
        "thickness of a virtual platelet of 150 nm from its pre-edge, mean over its interior",
        "Lim 2016: thickness = attenuation length x optical density at 703 eV",
        150.0,
        float(found.mean()),
        within=0.1,
        because="no noise; the model spectrum takes 434.5 nm, the table 434.53 nm",
        unit="nm",
    )


def _dose_row() -> Row:
    """Return the row on 1.6e4 photons of 700 eV, half of which a pixel of 150 nm absorbs."""
    import xarray as xr

    place = {"y": ("y", [0.0, _SIDE]), "x": ("x", [0.0, _SIDE])}
    density = stages.new(
        "frames",
        {
            "signal": ("time energy y x", np.full((1, 1, 2, 2), np.log(2.0))),
            "signal_flag": ("time energy y x", np.zeros((1, 1, 2, 2))),
            "incident": ("time energy", [[1.6e4]]),
        },
        coords={"time": ("time", [0.0]), "energy": ("energy", [700.0]), **place},
        attrs={"quantity": "optical_density"},
    )
    thickness = xr.DataArray(np.full((2, 2), 150.0), dims=("y", "x"))
    return compare(
        "dose per energy: 8e3 absorbed photons of 700 eV in a 50 nm pixel of 150 nm thickness",
        "Lim 2016, X-ray radiation dose: ~6e5 Gy",
        6.6e5,
        float(xray.dose(density, thickness).values[0, 0, 0]),
        within=0.05e5,
        because="rounding of the stated value",
        unit="Gy",
    )


def _mean_rows() -> Iterator[Row]:
    from lithiscope.particles import particle_table

    frames = 400
    for pixels, published, rounding, name in ((500, 0.005, 0.0005, "particle"), (100, 0.01, 0.005, "domain")):
        video = _noisy_video(frames, pixels)
        table = particle_table(video, video["label"])
        stated = 1.96 * float(table["lithium_fraction_std"].mean())
        yield compare(
            f"95 % interval of the mean of a {name} of {pixels} pixels at sigma {_SIGMA}",
            "Lim 2016, error estimation of X",
            published,
            stated,
            within=rounding,
            because="one digit is published",
        )
        yield compare(
            f"that of a {name} from the scatter of {frames} virtual frames, over the stated one",
            "counting statistics",
            1.0,
            1.96 * float(table["lithium_fraction"].std()) / stated,
            within=3 / np.sqrt(2 * frames),
            because=f"three standard errors of a standard deviation from {frames} frames",
        )


def _noisy_video(frames: int, pixels: int) -> xr.Dataset:
    rows = pixels // 10
    shape = (frames, rows, 10)
    x = 0.5 + _SIGMA * np.random.default_rng(pixels).standard_normal(shape)
    return stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", x),
            "lithium_fraction_std": ("time y x", np.full(shape, _SIGMA)),
            "lithium_fraction_flag": ("time y x", np.zeros(shape)),
            "amount": ("time y x", np.ones(shape)),
            "label": ("y x", np.ones(shape[1:])),
        },
        coords={
            "time": ("time", np.arange(float(frames))),
            "y": ("y", _SIDE * np.arange(rows)),
            "x": ("x", _SIDE * np.arange(10)),
        },
        attrs={"signal": "lithium_fraction"},
    )

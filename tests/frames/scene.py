"""Small frames with a known place, for the tests of this folder: sums of waves, evaluated where the pixels lie."""

from __future__ import annotations

import numpy as np

from lithiscope import stages

PIXEL = np.array([0.2, 0.05, 0.05])


def waves(shape: tuple[int, ...], shifts: np.ndarray, *, seed: int = 0, linear: np.ndarray | None = None) -> np.ndarray:
    """Return pictures (frames, ...) of unit variance whose content is displaced by `shifts` (px)."""
    rng = np.random.default_rng(seed)
    axes = len(shape)
    directions = rng.standard_normal((60, axes))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    # Wavelengths of 7 to 25 px: nothing that sampling or the spline could miss.
    modes = directions * (2 * np.pi / rng.uniform(7, 25, 60))[:, None]
    phases = rng.uniform(0, 2 * np.pi, 60)
    grid = np.stack(np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in shape], indexing="ij")).reshape(axes, -1)
    pictures = []
    for shift in np.atleast_2d(shifts):
        at = grid - shift[:, None]
        if linear is not None:
            at = np.linalg.solve(linear, at)
        pictures.append(np.cos(modes @ at + phases[:, None]).sum(axis=0).reshape(shape) * np.sqrt(2 / 60))
    return np.stack(pictures)


def frames(
    signal: np.ndarray, std: np.ndarray | float | None = None, *, flag: np.ndarray | None = None, energy: bool = False
) -> object:
    """Return a stage frames with pixels of PIXEL um; the first axis is time, or energy of one scan."""
    axes = ("z", "y", "x")[-(signal.ndim - 1) :]
    lead = "time energy" if energy else "time"
    values = signal[None] if energy else signal
    dims = " ".join((lead, *axes))
    sizes = PIXEL[-len(axes) :]
    bits = np.where(np.isnan(values), 1, 0) if flag is None else flag
    coords = {axis: (axis, size * np.arange(n)) for axis, size, n in zip(axes, sizes, signal.shape[1:], strict=True)}
    coords["time"] = ("time", np.arange(values.shape[0]) * 60.0)
    if energy:
        coords["energy"] = ("energy", 703.0 + np.arange(values.shape[1]))
    variables = {"signal": (dims, values), "signal_flag": (dims, bits)}
    if std is not None:
        variables["signal_std"] = (dims, np.where(bits > 0, np.nan, np.broadcast_to(std, values.shape)))
    return stages.new("frames", variables, coords=coords, attrs={"quantity": "counts"})


def alignment(
    shift: np.ndarray,
    *,
    affine: np.ndarray | None = None,
    affine_std: np.ndarray | None = None,
    size: np.ndarray | None = None,
    std: float = 0.0,
) -> object:
    """Return a stage alignment with shifts (time, axis) given in pixels, known to `std` um."""
    axes = ["z", "y", "x"][-shift.shape[1] :]
    lost = np.isnan(shift).any(axis=1)
    variables = {
        "shift": ("time axis", shift * (PIXEL[-len(axes) :] if size is None else size)),
        "shift_std": ("time axis", np.where(np.isnan(shift), np.nan, std)),
        "alignment_flag": ("time", np.where(lost, 64, 0)),
    }
    coords = {"time": ("time", np.arange(len(shift)) * 60.0), "axis": ("axis", axes)}
    if affine is not None:
        variables["affine"] = ("time axis axis_in", affine)
        coords["axis_in"] = ("axis_in", axes)
    if affine_std is not None:
        variables["affine_std"] = ("time axis axis_in", affine_std)
    return stages.new("alignment", variables, coords=coords)

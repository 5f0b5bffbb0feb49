"""Registration against its peers in one run, on the same frames: error (px, both axes together) and time per frame.

Scenes are those of lithiscope.instruments.pictures with their defaults: optical 256 x 256 at 800 e/px (blur 1.2 px,
texture 12 %, drift 1.4 px), with and without a front, and with 1 % of static pattern; STXM optical densities of a
platelet of 55 and 12 px radius (1e4 counts, blur 1 px, front, three energies in turn). Peers follow the movie the way
their documentation shows: each frame against the one before, shifts added up; pystackreg also against the first frame.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from itertools import pairwise

import numpy as np

from lithiscope.frames import RegisterOptions, register
from lithiscope.instruments.pictures import Movie, optical_movie, stxm_movie

SEED = 31
SCENES: dict[str, tuple[Movie, RegisterOptions]] = {
    "optical_front": (optical_movie(seed=SEED), RegisterOptions()),
    "optical_still": (optical_movie(seed=SEED, front=False), RegisterOptions()),
    "optical_still_global_gain": (optical_movie(seed=SEED, front=False), RegisterOptions(gain="global")),
    "optical_weak_texture": (optical_movie(seed=SEED, front=False, texture=0.06), RegisterOptions()),
    "optical_static_pattern_1_percent": (
        optical_movie(seed=SEED, front=False, static_pattern=0.01),
        RegisterOptions(gain="global"),
    ),
    "stxm_radius_55": (stxm_movie(seed=SEED), RegisterOptions()),
    "stxm_radius_12": (stxm_movie(seed=SEED, radius=12), RegisterOptions()),
}


def lithiscope_shifts(movie: Movie, options: RegisterOptions) -> np.ndarray:
    return register(movie.frames, options=options)["shift"].values / movie.pixel


def phase_correlation(frames: np.ndarray) -> np.ndarray:
    from skimage.registration import phase_cross_correlation

    steps = [-phase_cross_correlation(a, b, upsample_factor=100)[0] for a, b in pairwise(frames)]
    return np.cumsum([np.zeros(2), *steps], axis=0)


def stackreg(frames: np.ndarray, reference: str) -> np.ndarray:
    from pystackreg import StackReg

    matrices: np.ndarray = StackReg(StackReg.TRANSLATION).register_stack(frames, reference=reference)
    return matrices[:, [1, 0], 2]


def simple_itk(frames: np.ndarray) -> np.ndarray:
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    found = [np.zeros(2)]
    for one, two in pairwise(frames):
        method = SimpleITK.ImageRegistrationMethod()
        method.SetMetricAsCorrelation()
        method.SetInterpolator(SimpleITK.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-4, 60)
        method.SetInitialTransform(SimpleITK.TranslationTransform(2))
        moved = method.Execute(SimpleITK.GetImageFromArray(one), SimpleITK.GetImageFromArray(two))
        found.append(found[-1] + np.array(moved.GetParameters()[::-1]))
    return np.array(found)


def error(found: np.ndarray, movie: Movie) -> float:
    wrong = found - movie.drift / movie.pixel
    return float(np.sqrt(np.mean(np.sum((wrong - wrong.mean(axis=0)) ** 2, axis=1))))


def timed(function: Callable[[], np.ndarray], frames: int, least: int = 1) -> tuple[np.ndarray, float]:
    """Return the result and the shortest time, ms per frame: of as many runs as half a second holds, or of `least`."""
    times: list[float] = []
    while len(times) < least or sum(times) < 0.5:
        start = time.perf_counter()
        found = function()
        times.append(time.perf_counter() - start)
    return found, 1e3 * min(times) / frames


def main() -> None:
    for name, (movie, options) in SCENES.items():
        pictures = movie.frames["signal"].values.astype(np.float64)
        peers = {
            "pystackreg, previous": lambda p=pictures: stackreg(p, "previous"),
            "pystackreg, first": lambda p=pictures: stackreg(p, "first"),
            "scikit-image phase_cross_correlation": lambda p=pictures: phase_correlation(p),
            "SimpleITK correlation": lambda p=pictures: simple_itk(p),
        }
        own, own_ms = timed(partial(lithiscope_shifts, movie, options), len(pictures), 3)
        found = {peer: timed(run, len(pictures), 3 if "stackreg" in peer else 1) for peer, run in peers.items()}
        peer_ms = found["pystackreg, previous"][1]
        row = {
            "name": f"registration_{name}",
            "frames": list(pictures.shape),
            "lithiscope_rmse_px": round(error(own, movie), 4),
            "lithiscope_ms": round(own_ms, 2),
            "peer": "pystackreg, previous",
            "peer_ms": round(peer_ms, 2),
            "ratio": round(own_ms / peer_ms, 2),
            "target": "ratio <= 0.6",
            "peers_rmse_px": {peer: round(error(shift, movie), 4) for peer, (shift, _) in found.items()},
            "peers_ms": {peer: round(ms, 2) for peer, (_, ms) in found.items()},
            "versions": {name: version(name) for name in ("scikit-image", "pystackreg", "SimpleITK", "numpy", "scipy")},
        }
        print(json.dumps(row))


if __name__ == "__main__":
    main()

"""Unmixing of a 123 x 125 x 125 stack, weighted per pixel, with covariance, against a loop of scipy.optimize.nnls.

All get the same optical densities (float64) and references in the same run. One loop solves the same weighted problem
the cheap way (rows scaled by the root of the weight), the other the simpler one with the same weight everywhere; both
return coefficients only. The unconstrained answer is also compared with numpy.linalg.lstsq of every pixel.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np
import scipy
from scipy.optimize import nnls

from lithiscope.composition.xray.kernels.weighted import solve_weighted

ENERGIES, SIDE, REPEATS = 123, 125, 7
BLOCK = 4096


def stack() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return optical densities and weights (K, N) and the design (K, 3): two edges and a constant."""
    rng = np.random.default_rng(7)
    energy = np.linspace(700.0, 730.35, ENERGIES)
    edge = 0.3 / (1 + np.exp(-(energy - 709) / 0.8))
    design = np.column_stack(
        [
            edge + np.exp(-(((energy - 708.25) / 1.1) ** 2)),
            edge + np.exp(-(((energy - 709.67) / 1.2) ** 2)),
            np.ones(ENERGIES),
        ]
    )
    truth = np.stack([rng.uniform(0, 0.5, SIDE**2), rng.uniform(0, 0.5, SIDE**2), rng.uniform(0.8, 1.1, SIDE**2)])
    counts = rng.poisson(900 * np.exp(-design @ truth)).astype(float)
    return np.log(900 / counts), counts, design


def shortest(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the shortest wall time of each function in ms; all run in turn, so that each meets the same machine."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: 1e3 * min(found) for name, found in times.items()}


def ours(od: np.ndarray, weight: np.ndarray, design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    parts = [
        solve_weighted(od[:, s : s + BLOCK], weight[:, s : s + BLOCK], design) for s in range(0, od.shape[1], BLOCK)
    ]
    return (
        np.concatenate([part.coefficients for part in parts], axis=1),
        np.concatenate([part.covariance for part in parts], axis=2),
    )


def nnls_loop(od: np.ndarray, weight: np.ndarray, design: np.ndarray) -> np.ndarray:
    root = np.sqrt(weight.T)
    target = od.T * root
    return np.array([nnls(design * r[:, None], t)[0] for r, t in zip(root, target, strict=True)])


def plain_nnls_loop(od: np.ndarray, design: np.ndarray) -> np.ndarray:
    return np.array([nnls(design, target)[0] for target in np.ascontiguousarray(od.T)])


def lstsq_loop(od: np.ndarray, weight: np.ndarray, design: np.ndarray) -> np.ndarray:
    root = np.sqrt(weight.T)
    return np.array(
        [np.linalg.lstsq(design * r[:, None], o * r, rcond=None)[0] for r, o in zip(root, od.T, strict=True)]
    )


def main() -> None:
    od, weight, design = stack()
    coefficients = ours(od, weight, design)[0]
    error = float(np.abs(lstsq_loop(od, weight, design).T - coefficients).max())
    same, plain = "scipy.optimize.nnls per pixel, same weights", "scipy.optimize.nnls per pixel, one weight for all"
    took = shortest(
        {
            "own": lambda: ours(od, weight, design),
            same: lambda: nnls_loop(od, weight, design),
            plain: lambda: plain_nnls_loop(od, design),
        },
        REPEATS,
    )
    for name in (same, plain):
        own, peer = took["own"], took[name]
        row = {
            "name": "unmixing_123x125x125_weighted_with_covariance",
            "lithiscope_ms": round(own, 2),
            "peer": name,
            "peer_ms": round(peer, 2),
            "ratio": round(peer / own, 1),
            "target": "ratio >= 10",
            "largest_difference_from_lstsq": error,
            "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
        }
        print(json.dumps(row))


if __name__ == "__main__":
    main()

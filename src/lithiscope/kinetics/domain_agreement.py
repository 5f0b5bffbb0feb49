"""Whether the same pixels are fast from frame to frame, from cycle to cycle, and in both directions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.kinetics.domains import FAST, UNDECIDED
from lithiscope.kinetics.domains_options import AgreementOptions
from lithiscope.kinetics.kernels.overlap import (
    boundary_share,
    dice,
    dice_std,
    largest,
    neighbour_pairs,
    random_fields,
    scales_of,
)
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

_NUMBERS = (
    "dice",
    "dice_std",
    "dice_null",
    "dice_null_high",
    "agreement",
    "agreement_null",
    "p_value",
    "pixel_count",
)
_TRIALS = 60  # random domains whose mean boundary chooses the correlation length


class _Pair(NamedTuple):
    kind: str
    first: int
    second: int
    fast: tuple[np.ndarray, np.ndarray]  # on the pixels of the particle
    known: np.ndarray


def domain_agreement(
    domains: xr.Dataset,
    *,
    options: AgreementOptions = AgreementOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Compare the fast domains of frames, cycles and directions with each other and with domains at random places.

    Parameters
    ----------
    domains : domain_video
        As `fast_domains` makes it.
    options : AgreementOptions
        When a pixel counts as fast; how many random domains.
    reporter : Reporter
        Told about every particle.

    Returns
    -------
    domain_agreement
        One entry per pair: ``frames`` (every two decided frames in sequence within a half cycle), ``cycles`` (two
        half cycles of the same direction) and ``directions`` (of opposite direction). Random domains have the shape of
        the particle, the number of pixels and, on average, the length of boundary of the real ones: they are the
        largest values of Gaussian random fields whose correlation length is chosen so. Half of the draws replace the
        first set, half the second. p = (1 + number of draws with at least the overlap)/(1 + draws). A pair with too
        few pixels in common has NaN.

    Notes
    -----
    Few large domains fall on each other by chance far more often than independent pixels would, so one particle split
    in two halves proves little (p of a per cent at best), while two or more islands prove a lot.
    """
    stages.check(domains, "domain_video")
    label = np.asarray(domains["label"].values)
    rng = np.random.default_rng(options.seed)
    names = [str(name) for name in domains["particle"].values]
    numbers = [int(number) for number in np.unique(label) if number]
    rows: list[tuple[str, _Pair, dict[str, float]]] = []
    particles = list(zip(numbers, names, strict=True))
    for number, name in reporter.track(particles, label="agreement of domains", total=len(names)):
        mask = label == number
        places = _Places(mask, options, rng)
        rows += [(name, pair, _compared(pair, places, options, rng)) for pair in _pairs(domains, mask, options)]
    return _assembled(rows, options)


class _Places:
    """The pixels of a particle, with random fields kept for every correlation length."""

    def __init__(self, mask: np.ndarray, options: AgreementOptions, rng: np.random.Generator) -> None:
        self.points = np.argwhere(mask).astype(float)
        self.neighbours = neighbour_pairs(mask)
        extent = np.ptp(self.points, axis=0).astype(int) // options.block + 1
        self.block = np.ravel_multi_index(
            tuple(((self.points - self.points.min(axis=0)) // options.block).astype(int).T), tuple(extent)
        )
        self.scales = list(scales_of(self.points))
        self.draws, self.rng = options.draws, rng
        self.fields: dict[tuple[float, int], np.ndarray] = {}

    def like(self, fast: np.ndarray, draws: slice) -> np.ndarray:
        """Random domains as large and as smooth as `fast`: the shortest correlation with a boundary no longer."""
        count = int(fast.sum())
        wanted = boundary_share(fast[None, :], self.neighbours)[0]

        def smooth_enough(scale: float) -> bool:
            trials = largest(self._fields(scale, _TRIALS), count)
            return bool(boundary_share(trials, self.neighbours).mean() <= wanted)

        place = bisect_left(self.scales, True, key=smooth_enough)
        scale = self.scales[min(place, len(self.scales) - 1)]
        return largest(self._fields(scale, self.draws)[draws], count)

    def _fields(self, scale: float, draws: int) -> np.ndarray:
        if (scale, draws) not in self.fields:
            self.fields[scale, draws] = random_fields(self.points, scale, draws, self.rng)
        return self.fields[scale, draws]


def _pairs(domains: xr.Dataset, mask: np.ndarray, options: AgreementOptions) -> Iterator[_Pair]:
    code = domains["domain"].values[:, mask]
    of_frame = domains["time_half_cycle"].values
    for number in domains["half_cycle"].values:
        decided = np.flatnonzero((of_frame == number) & (code != UNDECIDED).any(axis=1))
        for one, two in pairwise(map(int, decided)):
            known = (code[one] != UNDECIDED) & (code[two] != UNDECIDED)
            yield _Pair("frames", one, two, (code[one] == FAST, code[two] == FAST), known)
    share = domains["persistent"].values[:, mask]
    directions, numbers = domains["direction"].values, domains["half_cycle"].values
    for one, two in combinations(range(len(numbers)), 2):
        known = np.isfinite(share[one]) & np.isfinite(share[two])
        fast = (share[one] > options.share, share[two] > options.share)
        kind = "cycles" if directions[one] == directions[two] else "directions"
        yield _Pair(kind, int(numbers[one]), int(numbers[two]), fast, known)


def _compared(pair: _Pair, places: _Places, options: AgreementOptions, rng: np.random.Generator) -> dict[str, float]:
    known = pair.known
    result = dict.fromkeys(_NUMBERS, float("nan"))
    result["pixel_count"] = int(known.sum())
    one, two = (fast & known for fast in pair.fast)
    if known.sum() < options.min_pixels or not one.any() or not two.any():
        return result
    overlap = float(dice(one, two))
    half = options.draws // 2
    random_one = places.like(one, slice(None, half)) & known
    random_two = places.like(two, slice(half, None)) & known
    null = np.concatenate([dice(random_one, two), dice(one, random_two)])
    same = np.concatenate([(random_one == two)[:, known].mean(axis=1), (one == random_two)[:, known].mean(axis=1)])
    result |= {
        "dice": overlap,
        "dice_std": dice_std(one[known], two[known], places.block[known], options.draws, rng),
        "dice_null": float(null.mean()),
        "dice_null_high": float(np.quantile(null, 0.95)),
        "agreement": float((one == two)[known].mean()),
        "agreement_null": float(same.mean()),
        "p_value": float((1 + np.count_nonzero(null >= overlap - 1e-12)) / (1 + len(null))),
    }
    return result


def _assembled(rows: list[tuple[str, _Pair, dict[str, float]]], options: AgreementOptions) -> xr.Dataset:
    variables: dict[str, tuple[str, Any]] = {
        name: ("pair", np.array([found[name] for _, _, found in rows], dtype=float)) for name in _NUMBERS
    }
    coords: dict[str, tuple[str, Any]] = {
        "particle": ("pair", np.array([name for name, _, _ in rows], dtype=str)),
        "kind": ("pair", np.array([pair.kind for _, pair, _ in rows], dtype=str)),
        "first": ("pair", np.array([pair.first for _, pair, _ in rows], dtype=int)),
        "second": ("pair", np.array([pair.second for _, pair, _ in rows], dtype=int)),
    }
    attrs = {
        "null": "Gaussian random fields in the shape of the particle, with the size and boundary of the domains",
        "draws": options.draws,
    }
    return stages.new("domain_agreement", variables, coords=coords, attrs=attrs)

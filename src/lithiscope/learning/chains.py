"""Whether chains have converged, and how many independent draws they are worth.

Vehtari, Gelman, Simpson, Carpenter and Buerkner, Bayesian Analysis 16, 667 (2021): every chain is split in two, and
draws are replaced by the normal scores of their ranks, so that heavy tails do no harm.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

LIMIT = 1.01  # of R-hat (Vehtari et al.)
FEWEST = 400.0  # draws that the sample must be worth, so that R-hat itself is known (Vehtari et al.)


def r_hat(draws: Float[np.ndarray, "chain draw"]) -> float:
    """Return the larger of R-hat of the ranks and of the ranks of the distances from the median; 1 when converged.

    Parameters
    ----------
    draws : array, shape (chain, draw)
        Of one number; at least four draws in each chain.
    """
    halves = _split(draws)
    return max(_plain_r_hat(_scores(halves)), _plain_r_hat(_scores(np.abs(halves - np.median(halves)))))


def sample_size(draws: Float[np.ndarray, "chain draw"]) -> float:
    """Return how many independent draws the middle of a distribution is known to (bulk effective sample size)."""
    return effective(_scores(_split(draws)))


def tail_size(draws: Float[np.ndarray, "chain draw"]) -> float:
    """Return the same for the quantiles of 5 and 95 %, the smaller of the two (tail effective sample size)."""
    halves = _split(draws)
    return min(effective((halves <= np.quantile(halves, q)).astype(float)) for q in (0.05, 0.95))


def effective(draws: Float[np.ndarray, "chain draw"]) -> float:
    """Return the effective sample size of the mean, from autocorrelations of chains that are not split.

    Sums of neighbouring pairs of autocorrelations are taken while they are positive, and none larger than the one
    before (Geyer, Stat. Sci. 7, 473 (1992)).

    Parameters
    ----------
    draws : array, shape (chain, draw)
        Of one number.
    """
    chains, count = draws.shape
    within, total = _variances(draws)
    if total <= 0:
        return float(chains * count)
    centred = draws - draws.mean(1, keepdims=True)
    power = np.abs(np.fft.rfft(centred, 2 * count)) ** 2
    covariance = np.fft.irfft(power)[:, :count].mean(0) / count
    correlation = 1 - (within - covariance * count / (count - 1)) / total
    pairs = correlation[: count // 2 * 2].reshape(-1, 2).sum(1)
    negative = np.flatnonzero(pairs < 0)
    kept = np.minimum.accumulate(pairs[: negative[0] if len(negative) else len(pairs)])
    time = max(2 * float(kept.sum()) - 1, 1 / np.log10(chains * count))
    return float(chains * count / time)


def _plain_r_hat(draws: np.ndarray) -> float:
    """Return the root of the variance of all draws over that within the chains (Gelman and Rubin 1992)."""
    within, total = _variances(draws)
    return float(np.sqrt(total / within)) if within > 0 else 1.0


def _variances(draws: np.ndarray) -> tuple[float, float]:
    """Return the variance within chains, and the one that holds how far their means are apart."""
    count = draws.shape[1]
    within = float(draws.var(1, ddof=1).mean())
    between = float(draws.mean(1).var(ddof=1)) if len(draws) > 1 else 0.0
    return within, within * (count - 1) / count + between


def _split(draws: np.ndarray) -> np.ndarray:
    """Return each chain as two."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def _scores(draws: np.ndarray) -> np.ndarray:
    """Return the normal scores of the ranks of all draws (Blom 1958)."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    ranks = rankdata(draws).reshape(draws.shape)
    return np.asarray(ndtri((ranks - 0.375) / (draws.size + 0.25)))

"""From amounts to the lithium fraction and its variance; shared by every way of unmixing."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def fraction(
    lithium: Float[np.ndarray, " pixels"],
    amount: Float[np.ndarray, " pixels"],
    covariance: Float[np.ndarray, "3 pixels"],
) -> tuple[Float[np.ndarray, " pixels"], Float[np.ndarray, " pixels"]]:
    """Return x = lithium/amount and its variance to first order.

    For two references with coefficients a and b this is x = a/(a+b) (Lim 2016, eq. S3) and
    var x = (b^2 var a + a^2 var b - 2ab cov(a, b))/(a+b)^4, written as (var l - 2x cov(l, m) + x^2 var m)/m^2.

    Parameters
    ----------
    lithium, amount : (N,) array
        Lithium and material, l and m, in units of the references.
    covariance : (3, N) array
        var l, cov(l, m), var m.

    Returns
    -------
    x, variance : (N,) array
        Infinite or NaN where the amount is zero.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        x = lithium / amount
        variance = covariance[2] * x
        variance -= 2 * covariance[1]
        variance *= x
        variance += covariance[0]
        variance /= amount
        variance /= amount
    return x, variance


def pooled(
    rows: Float[np.ndarray, "2 components"], covariance: Float[np.ndarray, "components components pixels"]
) -> Float[np.ndarray, "3 pixels"]:
    """Return var l, cov(l, m), var m of two weighted sums l and m of the coefficients, from their covariance."""
    count, _, pixels = covariance.shape
    products = np.stack([np.outer(rows[i], rows[j]).ravel() for i, j in ((0, 0), (0, 1), (1, 1))])
    return np.asarray(products @ covariance.reshape(count * count, pixels))

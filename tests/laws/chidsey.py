"""Chidsey's integral by adaptive quadrature, using none of its symmetries: the truth for electron transfer."""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad


def chidsey(u, reorganisation):
    """Return the mean of 1/(1 + exp(y)) over levels y that scatter with variance 2 lambda around lambda - u."""
    width = np.sqrt(2 * reorganisation)

    def integrand(y):
        return np.exp(-((y - reorganisation + u) ** 2) / (4 * reorganisation)) * np.exp(-np.logaddexp(0.0, y))

    low, high = reorganisation - u - 12 * width - 40, reorganisation - u + 12 * width + 40
    points = [p for p in (0.0, reorganisation - u) if low < p < high]
    total = quad(integrand, low, high, points=points, epsabs=0, epsrel=1e-12, limit=500)[0]
    return total / np.sqrt(4 * np.pi * reorganisation)

"""Masks with known measures."""

from __future__ import annotations

import numpy as np


def disc(radius, size):
    """Return a disc in the middle of a square picture."""
    at = np.arange(size) - (size - 1) / 2
    return at[:, None] ** 2 + at**2 <= radius**2


def turned_bar(width, length, degrees, size):
    """Return a bar whose `width` lies along an axis at `degrees` from +x towards +y; pixels."""
    at = np.arange(size) - (size - 1) / 2
    turn = np.deg2rad(degrees)
    along = np.cos(turn) * at[None, :] + np.sin(turn) * at[:, None]
    across = -np.sin(turn) * at[None, :] + np.cos(turn) * at[:, None]
    return (np.abs(along) <= width / 2) & (np.abs(across) <= length / 2)

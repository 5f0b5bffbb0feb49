"""Runs of current of one sign, and the charge that they pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

_SECONDS_PER_HOUR = 3600.0


class Runs(NamedTuple):
    """Stretches of samples: first and last sample and the sign of the current, +1 or -1."""

    first: Int[np.ndarray, " runs"]
    last: Int[np.ndarray, " runs"]
    sign: Int[np.ndarray, " runs"]


def current_runs(state: Int[np.ndarray, " samples"]) -> Runs:
    """Return every run of samples of one sign; `state` is +1, -1 or 0 at rest."""
    begins = np.concatenate([[0], np.flatnonzero(np.diff(state)) + 1])
    ends = np.concatenate([begins[1:] - 1, [len(state) - 1]])
    flowing = state[begins] != 0
    return Runs(begins[flowing], ends[flowing], state[begins][flowing])


def bridged(runs: Runs, time: Float[np.ndarray, " samples"], longest: float) -> Runs:
    """Join neighbouring runs of one sign that are no more than `longest` (s) apart."""
    gap = time[runs.first[1:]] - time[runs.last[:-1]]
    joined = (runs.sign[1:] == runs.sign[:-1]) & (gap <= longest)
    begin = np.flatnonzero(np.concatenate([[True], ~joined]))
    end = np.concatenate([begin[1:] - 1, [len(runs.first) - 1]])
    return Runs(runs.first[begin], runs.last[end], runs.sign[begin])


def chosen(runs: Runs, keep: np.ndarray) -> Runs:
    """Return the runs where `keep` is True."""
    return Runs(runs.first[keep], runs.last[keep], runs.sign[keep])


def seconds_before(time: Float[np.ndarray, " samples"]) -> Float[np.ndarray, " samples"]:
    """Return how long before each sample a current that is new there began, s.

    Half the time since the sample before, but never more than half the time to the next one: instruments write the
    first sample of a step soon after it begins, however long they slept before.
    """
    elapsed = np.diff(time)
    since = np.concatenate([[0.0], elapsed])
    until = np.concatenate([elapsed, [np.inf]])
    return np.asarray(np.minimum(since, until) / 2)


def seconds_after(time: Float[np.ndarray, " samples"]) -> Float[np.ndarray, " samples"]:
    """Return how long after each sample a current that is gone at the next one still flowed, s.

    Half the time to the next sample; none where that is more than twice the time since the one before, because then
    the instrument wrote this sample at the end of its step.
    """
    elapsed = np.diff(time)
    until = np.concatenate([elapsed, [0.0]])
    since = np.concatenate([[np.inf], elapsed])
    return np.asarray(np.where(until > 2 * since, 0.0, np.minimum(since, until) / 2))


def cumulative_charge(
    time: Float[np.ndarray, " samples"],
    current: Float[np.ndarray, " samples"],
    state: Int[np.ndarray, " samples"],
) -> Float[np.ndarray, " samples"]:
    """Integrate the current from the first sample on, Ah.

    By trapezia; where the state changes between two samples, each current holds up to the edge.
    """
    trapezia = np.diff(time) * (current[1:] + current[:-1]) / 2
    across = current[1:] * seconds_before(time)[1:] + current[:-1] * seconds_after(time)[:-1]
    trapezia = np.where(np.diff(state) != 0, across, trapezia)
    return np.concatenate([[0.0], np.cumsum(trapezia)]) / _SECONDS_PER_HOUR

"""What `simulate` refuses before it begins: arguments of another kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from lithiscope.errors import OptionError
from lithiscope.phasefield.methods import Method
from lithiscope.phasefield.model import Model
from lithiscope.phasefield.protocol import Protocol
from lithiscope.phasefield.steps import Controller

_MADE_BY = {
    Model: "make one with Model(...) or model_of(...)",
    Protocol: "make one by constant_current, constant_potential, rest or from_trace",
    Method: "leave it out, or give LocalRosenbrock(), Rosenbrock(), BogackiShampine() or ExponentialRungeKutta()",
    Controller: "leave it out, or give Controller(tolerance)",
}


def refuse_arguments(model: Any, protocol: Any, times: Any, method: Any, controller: Any) -> None:
    """Refuse arguments of `simulate` that are of the wrong kind, each by its name.

    Raises
    ------
    OptionError
        If one is no model, protocol, method or controller, or the times are no numbers, not finite, or not rising.
    """
    given: dict[str, tuple[Any, type]] = {
        "model": (model, Model),
        "protocol": (protocol, Protocol),
        "controller": (controller, Controller),
    } | ({} if method is None else {"method": (method, Method)})
    for name, (value, kind) in given.items():
        if not isinstance(value, kind):
            raise OptionError(
                f"the {name} is of the wrong kind",
                field=name,
                value=f"{type(value).__name__} {value!r}",
                limit=kind.__name__,
                remedy=_MADE_BY[kind],
            )
    _refuse_times(times)


def _refuse_times(times: Any) -> None:
    """Refuse times that are neither a number of frames nor seconds that rise from 0 or later."""
    try:
        asked = np.asarray(times, dtype=float)
    except (TypeError, ValueError):
        asked = np.array(np.nan)
    count = isinstance(times, int | np.integer) and not isinstance(times, bool) and times >= 2
    rising = asked.ndim == 1 and asked.size > 0 and bool(np.isfinite(asked).all() and np.all(np.diff(asked) > 0))
    if count or (rising and asked[0] >= 0):
        return
    raise OptionError(
        "the times of the frames cannot be used",
        field="times",
        value=repr(times),
        limit="a number of frames, at least 2, or finite seconds that increase from 0 or later",
        remedy="give 50 for as many frames at equal distances, or [0, 60, 600] for these seconds",
    )

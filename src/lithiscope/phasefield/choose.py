"""Which method of time integration suits a model, and why."""

from __future__ import annotations

from lithiscope.errors import OptionError
from lithiscope.phasefield.methods import BogackiShampine, Method
from lithiscope.phasefield.model import Model


def choose_method(model: Model, method: Method | None = None) -> tuple[Method, str]:
    """Return the method and the reason for it.

    Parameters
    ----------
    model : Model
        What is simulated.
    method : Method, optional
        The user's choice, which is checked only.

    Raises
    ------
    OptionError
        If the user's choice does not suit the model.
    """
    if method is not None:
        refusal = method.refusal(model)
        if refusal is not None:
            raise OptionError(
                "the method of time integration does not suit the model",
                field="method",
                value=type(method).__name__,
                limit=refusal,
                remedy="leave the choice to the program, or take another",
            )
        return method, "as asked"
    return BogackiShampine(), "cells that react on their own are not stiff"

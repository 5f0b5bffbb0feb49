"""The one unit of every variable, and conversion to it at the boundaries.

Inside lithiscope a quantity has exactly one unit, written in ``attrs["units"]``. Readers convert with `convert`;
nothing else does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lithiscope.errors import UnitError

if TYPE_CHECKING:
    import numpy as np

SECOND = "s"
ELECTRONVOLT = "eV"
MICROMETRE = "um"
NANOMETRE = "nm"
PER_HOUR = "1/h"
VOLT = "V"
AMPERE = "A"
AMPERE_HOUR = "Ah"
AMPERE_HOUR_PER_GRAM = "Ah/g"
AMPERE_HOUR_PER_VOLT = "Ah/V"
VOLT_PER_AMPERE_HOUR = "V/Ah"
OHM = "ohm"
CELSIUS = "degC"
AMPERE_PER_SQUARE_METRE = "A/m2"
MOLE_PER_LITRE = "mol/L"
GRAY = "Gy"
SQUARE_MICROMETRE = "um2"
PER_MICROMETRE = "1/um"
MICROMETRE_PER_HOUR = "um/h"
COUNT = "count"
ONE = "1"

# Spellings met in instrument files that pint does not know.
_SPELLINGS = {
    "microns": "um",
    "micron": "um",
    "counts": "count",
    "cts": "count",
    "msec": "ms",
    "sec": "s",
    "amps": "A",
    "ma": "mA",
    "ah": "A*hour",
    "mah": "mA*hour",
    "uah": "uA*hour",
    "ah/g": "A*hour/g",
    "ah/v": "A*hour/V",
    "v/ah": "V/A/hour",
    "ev": "eV",
    "kev": "keV",
    "a/m2": "A/m**2",
    "um2": "um**2",
    "1": "dimensionless",
}


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry()
    return registry


def _spelled(unit: str) -> str:
    # Both micro signs (Latin-1 and Greek) occur in the files of one beamline.
    plain = unit.strip().replace("\u00b5", "u").replace("\u03bc", "u")
    return _SPELLINGS.get(plain.lower(), plain)


def convert(values: np.ndarray | float, unit: str | None, to: str, *, field: str, file: str | None = None) -> Any:
    """Convert values from the unit that a file states to the unit that lithiscope uses.

    Parameters
    ----------
    values : float or ndarray
        The values in `unit`.
    unit : str or None
        The stated unit; None or blank raises, because a guess would be a plausible wrong number.
    to : str
        The unit wanted, one of the constants of this module.
    field, file : str
        Where the values came from, for the message.

    Returns
    -------
    float or ndarray
        The values in `to`; float64.

    Raises
    ------
    UnitError
        If the unit is missing, unknown or of another dimension.

    Examples
    --------
    >>> convert(2.5, "ms", SECOND, field="Dwell")
    0.0025
    """
    if unit is None or not unit.strip():
        raise UnitError(
            "a unit is missing",
            file=file,
            field=field,
            limit=f"anything convertible to {to}",
            remedy="state the unit in the file or give it as an option",
        )
    if _spelled(unit) == _spelled(to):
        return values * 1.0
    try:
        factor = _registry().Quantity(1.0, _spelled(unit)).to(_spelled(to)).magnitude
    except Exception as error:  # pint's parser trips over some texts with errors of many kinds
        raise UnitError(
            "a unit cannot be converted",
            file=file,
            field=field,
            value=unit,
            limit=f"convertible to {to}",
            remedy=str(error),
        ) from error
    return values * factor

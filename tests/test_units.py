from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import UnitError
from lithiscope.units import convert


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (2.0, "ms", "s", 0.002),
        (7.1, "keV", "eV", 7100.0),
        (3.0, "µm", "um", 3.0),
        (3.0, "\u03bcm", "nm", 3000.0),
        (500.0, "mA", "A", 0.5),
        (1.0, "microns", "um", 1.0),
        (5.0, "counts", "count", 5.0),
    ],
)
def test_convert(value, unit, to, expected):
    assert convert(value, unit, to, field="f") == pytest.approx(expected, rel=1e-12)


def test_convert_keeps_arrays_and_does_not_alias():
    values = np.array([1.0, 2.0])
    converted = convert(values, "um", "um", field="f")
    converted[0] = 9.0
    assert values[0] == 1.0


@pytest.mark.parametrize("unit", [None, "", "  ", "furlongs-per-foo", "s", ".", "(", "1/0"])
def test_a_missing_unknown_or_foreign_unit_is_an_error_that_names_the_field(unit):
    with pytest.raises(UnitError, match="SampleX"):
        convert(1.0, unit, "um", field="SampleX", file="a.hdr")

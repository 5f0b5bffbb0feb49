"""Tables of a study as Parquet, with units, for pandas, polars and all that reads Arrow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from lithiscope.errors import OptionError
from lithiscope.studies.results import tables

if TYPE_CHECKING:
    from lithiscope.studies.runner import Study


def parquet_tables(study: Study, folder: Path) -> list[Path]:
    """Write every table of a study; columns and their types are those of the csv files beside the page.

    Raises
    ------
    OptionError
        If pyarrow is not installed.
    """
    try:
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        raise OptionError(
            "parquet needs the package pyarrow",
            field="--to",
            value="parquet",
            remedy="pip install 'lithiscope[parquet]', or take the csv files beside the page",
        ) from None
    files = []
    for name, text in tables(study).items():
        path = folder / f"{name}.parquet"
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(io.BytesIO(text.encode("utf-8"))), path)
        files.append(path)
    return files

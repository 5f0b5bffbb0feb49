"""The base of all options: frozen, strict about unknown names, and with an error that a user can act on."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from lithiscope.errors import OptionError


class Options(BaseModel):
    """Options of one step; the same object is the API's options, a section of the recipe and the provenance record."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise option_error(error, type(self).__name__) from None

    # Without this mark pydantic would call __init__ for nested options too, and their errors would lose their path.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]


def option_error(
    error: ValidationError, where: str, file: str | None = None, *, explained: str = "lithiscope new"
) -> OptionError:
    """Turn pydantic's report into one error that names field, value, limit and remedy.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    where : str
        Whose options they are, for the message.
    file : str, optional
        Where they stand.
    explained : str
        The command that writes all of them.
    """
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or where
    remedy = f"`{explained}` writes every option with its meaning"
    if first["type"] == "extra_forbidden":
        remedy = f"there is no such option; check its name and place (`{explained}` writes all of them)"
    more = f"; and {error.error_count() - 1} more" if error.error_count() > 1 else ""
    return OptionError(
        f"an option of {where} cannot be used{more}",
        file=file,
        field=field,
        value=first["input"],
        limit=first["msg"],
        remedy=remedy,
    )

"""The base of all options: frozen, strict about unknown names, and with an error that a user can act on."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from lithiscope.errors import OptionError


class Options(BaseModel):
    """Options of one step; the same object is the API's options, a section of the recipe and the provenance record."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise option_error(error, type(self).__name__) from None

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_no_switches(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse yes and no where a number is meant: pydantic would take them as 1 and 0."""
        if _has_switch(value):
            allowed = _kinds(cls.model_fields[info.field_name or ""].annotation)
            if allowed & {int, float} and not allowed & {bool, Any}:
                raise ValueError("a number, not yes or no")
        return value

    # Without this mark pydantic would call __init__ for nested options too, and their errors would lose their path.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]


def _has_switch(value: Any) -> bool:
    """Whether a value is true or false, or a list that holds one."""
    return isinstance(value, bool) or (isinstance(value, list | tuple) and any(map(_has_switch, value)))


def _kinds(annotation: Any) -> set[Any]:
    """Return the plain types of which an annotation is made."""
    parts = get_args(annotation)
    return set().union(*map(_kinds, parts)) if parts else {annotation}


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
        limit=first["msg"].removeprefix("Value error, "),
        remedy=remedy,
    )

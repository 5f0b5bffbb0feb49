"""The base of all options: frozen, strict about unknown names, and with an error that a user can act on."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

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

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_no_switches(cls, values: Any) -> Any:
        """Refuse yes and no where a number is meant: pydantic would take them as 1 and 0."""
        given = values if isinstance(values, dict) else {}
        wrong = [name for name in given if name in cls.model_fields and _is_switch_for_number(cls, name, given[name])]
        if wrong:
            kind = PydanticCustomError("switch", "a number, not yes or no")
            raise ValidationError.from_exception_data(
                cls.__name__, [InitErrorDetails(type=kind, loc=(name,), input=given[name]) for name in wrong]
            )
        return values


def _is_switch_for_number(options: type[BaseModel], name: str, value: Any) -> bool:
    if not _has_switch(value):
        return False
    allowed = _kinds(options.model_fields[name].annotation)
    return bool(allowed & {int, float}) and not allowed & {bool, Any}


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

"""The errors that lithiscope raises on purpose, and the warning that it gives.

Every message names what went wrong and, where they are known, the file, the field, the value, the limit and the remedy.
"""

from __future__ import annotations

from pathlib import Path


class LithiscopeError(Exception):
    """A problem that the user can understand and mend.

    Parameters
    ----------
    problem : str
        One sentence: what is wrong.
    file : str or Path, optional
        The file in which it was found.
    field : str, optional
        The field, variable or option concerned.
    value : object, optional
        The offending value, as found.
    limit : str, optional
        What would have been accepted.
    remedy : str, optional
        What the user can do about it.

    Examples
    --------
    >>> print(LithiscopeError("the energy axis is not sorted", field="StackAxis", remedy="sort the frames"))
    the energy axis is not sorted
      field: StackAxis
      remedy: sort the frames
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        field: str | None = None,
        value: object = None,
        limit: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = None if file is None else str(file)
        self.field = field
        self.value = value
        self.limit = limit
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = {"file": self.file, "field": self.field, "limit": self.limit, "remedy": self.remedy}
        lines = [f"  {name}: {text}" for name, text in parts.items() if text is not None]
        if self.value is not None:
            lines.insert(2 if self.file and self.field else min(1, len(lines)), f"  value: {_shortened(self.value)}")
        return "\n".join([self.problem, *lines])


def _shortened(value: object, longest: int = 200) -> str:
    text = str(value)
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


class FileFormatError(LithiscopeError):
    """A file is not what its name or its header says it is."""


class StageError(LithiscopeError):
    """Data break the schema of their stage."""


class OptionError(LithiscopeError):
    """An option, or a field of a recipe, cannot be used."""


class UnitError(LithiscopeError):
    """A unit is missing, unknown, or of another dimension."""


class AnalysisError(LithiscopeError):
    """The data do not allow what was asked of them."""


class LithiscopeWarning(UserWarning):
    """A result stands, but the user should look at it."""

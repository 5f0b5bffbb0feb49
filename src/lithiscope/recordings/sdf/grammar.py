"""The grammar of the SDF header: nested ``name = value;`` with groups, lists and quoted strings.

    file   := entry*
    entry  := name "=" value [";"]
    value  := "{" entry* "}" | "(" [value ("," value)*] ")" | string | word

Headers in the wild have stray or missing braces; those are mended, and what was mended is told.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lithiscope.errors import FileFormatError

DEEPEST = 32
_TOKEN = re.compile(r'"[^"\n]*"?|[{}(),;=]|[^{}(),;="\s](?:[^{}(),;="\r\n\t]*[^{}(),;="\s])?')
_INTEGER = re.compile(r"[-+]?\d{1,18}")
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_CLOSERS = {"}": "{", ")": "("}
_PUNCTUATION = set("{}(),;=")


def parse(text: str, *, file: str | Path | None = None) -> tuple[dict[str, Any], list[str]]:
    """Parse the text of an SDF header.

    Parameters
    ----------
    text : str
        The header.
    file : str or Path, optional
        Its name, for messages.

    Returns
    -------
    tree : dict
        Groups as dict, lists as list (the first element is the count that the file states), numbers as int or float,
        true and false as bool, everything else as str. Of a name that occurs twice in one group the first is kept.
    mended : list of str
        What had to be mended: braces, brackets, quotes, names without a value or given twice.

    Raises
    ------
    FileFormatError
        If groups and lists are nested deeper than any instrument does.

    Examples
    --------
    >>> parse('A = { Name = "Sample X"; Points = (2, 0.5, 1); };')
    ({'A': {'Name': 'Sample X', 'Points': [2, 0.5, 1]}}, [])
    """
    parser = _Parser(text, file)
    return parser.entries(depth=0), parser.mended


class _Parser:
    def __init__(self, text: str, file: str | Path | None) -> None:
        self.tokens = _TOKEN.findall(text)
        self.place = 0
        self.file = file
        self.mended: list[str] = []

    def peek(self, ahead: int = 0) -> str:
        """Return a token without taking it; blank behind the last."""
        place = self.place + ahead
        return self.tokens[place] if place < len(self.tokens) else ""

    def take(self) -> str:
        """Return the next token and go on."""
        part = self.peek()
        self.place += 1
        return part

    def entries(self, depth: int) -> dict[str, Any]:
        """Read entries up to the closing brace, which is left, or to the end of the text."""
        found: dict[str, Any] = {}
        while part := self.peek():
            if part == "}" and depth:
                break
            if part in _PUNCTUATION:
                self.take()
                if part not in ";,":
                    self.mended.append(f"stray {part!r}")
            elif self.peek(1) == "=":
                name = _unquoted(self.take())
                self.take()
                value = self.value(depth)
                if name in found:
                    self.mended.append(f"{name!r} given twice, the first kept")
                found.setdefault(name, value)
            else:
                self.mended.append(f"{self.take()[:40]!r} without a value")
        return found

    def value(self, depth: int, *, in_list: bool = False) -> Any:
        """Read a group, a list, a string or a word."""
        if depth > DEEPEST:
            raise FileFormatError(
                "the header is nested too deeply",
                file=self.file,
                limit=f"{DEEPEST} levels",
                remedy="the file is damaged: copy it again",
            )
        part = self.peek()
        if part == "{":
            self.take()
            group = self.entries(depth + 1)
            self.close("}")
            return group
        if part == "(":
            self.take()
            return self.items(depth + 1)
        if part in _PUNCTUATION or not part:
            return ""
        if part.startswith('"'):
            if len(part) < 2 or not part.endswith('"'):
                self.mended.append(f"unfinished string {part[:40]}")
            return _unquoted(self.take())
        return self.word(in_list)

    def word(self, in_list: bool) -> Any:
        """Read a number, a truth value or bare text."""
        part = self.take()
        # Outside a list a comma can only be a decimal comma.
        if self.peek() == "," and not in_list and (part + self.peek(1)).lstrip("+-").isdigit():
            self.take()
            part = f"{part}.{self.take()}"
        return _scalar(part)

    def items(self, depth: int) -> list[Any]:
        """Read the elements of a list up to and with its closing bracket."""
        found: list[Any] = []
        while (part := self.peek()) and part not in ");}":
            if part == ",":
                self.take()
            elif part == "=":
                self.mended.append(f"stray {self.take()!r}")
            else:
                found.append(self.value(depth, in_list=True))
        self.close(")")
        return found

    def close(self, closer: str) -> None:
        """Take the closing brace or bracket, or note that it is missing."""
        if self.peek() == closer:
            self.take()
        else:
            self.mended.append(f"{_CLOSERS[closer]!r} without {closer!r}")


def _unquoted(part: str) -> str:
    return part.removeprefix('"').removesuffix('"').strip() if part.startswith('"') else part


def _scalar(word: str) -> Any:
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    if _INTEGER.fullmatch(word):
        return int(word)
    return float(word) if _FLOAT.fullmatch(word) else word

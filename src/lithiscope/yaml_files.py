"""Safe reading of YAML files that people write: plain values only, bounded, and with an error that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lithiscope.errors import FileFormatError

_LARGEST = 1_000_000


def read_yaml(path: Path, *, what: str, remedy: str, too_large: str) -> dict[str, Any]:
    """Read a YAML file that holds one mapping of plain values.

    Parameters
    ----------
    path : Path
        The file; UTF-8.
    what : str
        What the file is, for the messages, e.g. "the recipe".
    remedy : str
        What helps somebody whose file has another shape.
    too_large : str
        What helps somebody whose file is larger than 1 MB.

    Returns
    -------
    dict
        Plain Python values only.

    Raises
    ------
    FileFormatError
        If the file is absent, larger than 1 MB, no YAML, no mapping, or uses tags that make objects, aliases (with
        which a few lines can expand to gigabytes) or the same key twice.
    """
    content = _parsed(path, _text(path, what, too_large), what, remedy)
    if not isinstance(content, dict):
        raise FileFormatError(
            f"{what} is not a mapping",
            file=path,
            value=type(content).__name__,
            limit="lines of `name: value`",
            remedy=remedy,
        )
    return content


def _text(path: Path, what: str, too_large: str) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{what} cannot be read", file=path, remedy=str(error.strerror)) from None
    if len(raw) > _LARGEST:
        raise FileFormatError(
            f"{what} is too large", file=path, value=f"{len(raw)} bytes", limit=f"{_LARGEST} bytes", remedy=too_large
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{what} is not UTF-8 text", file=path, remedy=str(error)) from None


def _parsed(path: Path, text: str, what: str, remedy: str) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=_loader())  # noqa: S506 - a SafeLoader with fewer powers
    except RecursionError:
        raise FileFormatError(f"{what} is nested too deeply", file=path, remedy=remedy) from None
    except (yaml.YAMLError, ValueError) as error:  # a date or number that is none is a ValueError
        raise FileFormatError(f"{what} is not valid YAML", file=path, remedy=str(error)) from None


def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """A safe loader without aliases and without repeated keys."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError(f"aliases are not allowed, line {self.peek_event().start_mark.line + 1}")  # type: ignore[no-untyped-call]
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen: set[str] = set()
            for key, _ in node.value:
                name = str(key.value)
                if name in seen:
                    raise yaml.YAMLError(f"the key {name!r} stands twice, line {node.start_mark.line + 1}")
                seen.add(name)
            return super().construct_mapping(node, deep)

    return Loader

"""A study page read back with the standard library alone: what it would load, what it says, the numbers it carries."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LOADING = ("src", "srcset", "href", "data", "poster", "action", "background")
_REACHING = ("fetch(", "XMLHttpRequest", "WebSocket", "EventSource", "sendBeacon", "import(", "@import", "url(")
_NO_VALUE = 65534  # this code and the one above it stand for a missing value


class PageReader(HTMLParser):
    """The elements of a page in order, and the text inside the ones that matter here.

    Parameters
    ----------
    text : str
        The page.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[tuple[str, int]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and its attributes."""
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag == "main":
            self.texts.append((tag, ""))
        elif tag in ("script", "style", "h1", "li", "td"):
            self._open.append((tag, len(self.texts)))
            self.texts.append((tag if given.get("type") != "application/json" else "json", ""))

    def handle_endtag(self, tag: str) -> None:
        """Note that an element ends."""
        if self._open and tag == self._open[-1][0]:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Add text to the element in which it stands."""
        if self._open:
            place = self._open[-1][1]
            name, text = self.texts[place]
            self.texts[place] = (name, text + data)

    def inside(self, place: str) -> list[str]:
        """Return the texts of all elements of a name; ``json`` for data in script elements."""
        return [text for name, text in self.texts if name == place]

    def outside_addresses(self) -> list[str]:
        """Return what a browser would ask the network for: addresses but data: and #, and calls in script and style."""
        given = [value for _, attributes in self.elements for name, value in attributes.items() if name in _LOADING]
        called = [
            word for text in (*self.inside("script"), *self.inside("style")) for word in _REACHING if word in text
        ]
        return [value for value in given if not value.startswith(("data:", "#"))] + called

    def policy_allows_only_its_script(self) -> bool:
        """Return whether the policy forbids everything by default and names the one script by its SHA-256."""
        policies = [a["content"] for tag, a in self.elements if a.get("http-equiv") == "Content-Security-Policy"]
        scripts = self.inside("script")
        if len(policies) != 1 or len(scripts) != 1:
            return False
        digest = base64.b64encode(hashlib.sha256(scripts[0].encode("utf-8")).digest()).decode("ascii")
        parts = dict(part.strip().split(" ", 1) for part in policies[0].split(";"))
        return parts["default-src"] == "'none'" and parts["script-src"] == f"'sha256-{digest}'"

    def handlers(self) -> int:
        """Return how many attributes would run a script (onclick, onerror, ...)."""
        return sum(name.startswith("on") for _, attributes in self.elements for name in attributes)

    def map_data(self) -> dict[str, Any]:
        """Return the description of the interactive map."""
        found = [json.loads(text) for text in self.inside("json")]
        return next(one for one in found if "layers" in one)

    def warnings(self) -> list[str]:
        """Return the warnings that stand above the results."""
        before = [name for name, _ in self.texts].index("main")
        listed = [text.strip() for name, text in self.texts[:before] if name == "li"]
        return [re.sub(r"^(Error|Warning)\s+", "", text) for text in listed if re.match(r"(Error|Warning)\s", text)]


def read_page(path: Path) -> PageReader:
    """Return a page from its file."""
    return PageReader(path.read_text(encoding="utf-8"))


def numbers(layer: dict[str, Any], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the numbers of a packed layer; NaN where there are none."""
    codes = np.frombuffer(zlib.decompress(base64.b64decode(layer["codes"])), dtype="<u2").reshape(shape)
    values = layer["low"] + (layer["high"] - layer["low"]) * codes / (_NO_VALUE - 1)
    return np.where(codes >= _NO_VALUE, np.nan, values)


def steps_away(layer: dict[str, Any], expected: NDArray[np.floating]) -> tuple[float, int]:
    """Return how far a layer is from an array, in steps of its packing, and how many values one of both lacks."""
    found, wanted = numbers(layer, expected.shape), expected.astype(float)
    both = np.isfinite(found) & np.isfinite(wanted)
    step = (layer["high"] - layer["low"]) / (_NO_VALUE - 1)
    missing = int(np.sum(np.isfinite(found) != np.isfinite(wanted)))
    return float(np.abs(found - wanted)[both].max(initial=0.0)) / step, missing

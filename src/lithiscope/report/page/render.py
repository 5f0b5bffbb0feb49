"""From the content of a page to one self-contained HTML file; every text is escaped here and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from typing import Any

from lithiscope.report.page.content import (
    Figure,
    Notice,
    PageContent,
    Provenance,
    Quantity,
    Section,
    Table,
    Trace,
)

_SEVERITIES = {"error": 0, "warning": 1, "note": 2}
# One script element, so that one hash allows it.
_SCRIPTS = (
    "basics.js", "explorer.js", "regions.js", "spectra.js", "chart.js", "spectrumview.js", "regionview.js", "trace.js",
    "tables.js", "later.js", "start.js",
)  # fmt: skip
# A drawing of more bytes takes a browser tens of milliseconds, in which nothing else happens.
_HEAVY = 100_000
_SIZE = re.compile(rb'<svg[^>]*? width="([\d.]+)pt" height="([\d.]+)pt"')
_WORDS = {"error": "Error", "warning": "Warning", "note": "Note"}


def page(content: PageContent) -> str:
    """Render a study page.

    Parameters
    ----------
    content : PageContent
        What to show.

    Returns
    -------
    str
        One HTML file with its pictures, style and script inside; it asks the network for nothing and runs no script but
        its own (content security policy with the script's hash).
    """
    style, script = _asset("page.css"), "\n".join(map(_asset, _SCRIPTS))
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    policy = (
        "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    sections = [_section(section) for section in content.sections]
    if content.provenance is not None:
        sections.append(_provenance(content.provenance))
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="generator" content="lithiscope">',
        f"<title>{escape(content.title)}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        '<a class="skip" href="#main">Skip to the results</a>',
        _header(content),
        '<div class="columns">',
        _contents(content),
        '<main id="main">',
        *sections,
        "</main>",
        "</div>",
        "<footer><p>Made with lithiscope. Error bars are one standard deviation.</p></footer>",
        f"<script>{script}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def with_notice(made: str, notice: Notice) -> str:
    """Return a page that `page` made with one more notice under its title."""
    title, end, rest = made.partition("</h1>")
    return f"{title}{end}{_notices([notice]) if end else ''}{rest}"


def _asset(name: str) -> str:
    return (files("lithiscope.report.page") / "assets" / name).read_text(encoding="utf-8")


def _header(content: PageContent) -> str:
    subtitle = f'<p class="subtitle">{escape(content.subtitle)}</p>' if content.subtitle else ""
    cards = "".join(_quantity(quantity) for quantity in content.summary)
    summary = f'<dl class="summary">{cards}</dl>' if cards else ""
    return f"<header><h1>{escape(content.title)}</h1>{subtitle}{summary}{_notices(content.notices)}</header>"


def _quantity(quantity: Quantity) -> str:
    unit = f' <span class="unit">{escape(quantity.unit)}</span>' if quantity.unit else ""
    remark = f'<dd class="remark">{escape(quantity.remark)}</dd>' if quantity.remark else ""
    return f'<div><dt>{escape(quantity.label)}</dt><dd class="value">{escape(quantity.value)}{unit}</dd>{remark}</div>'


def _notices(notices: Iterable[Notice]) -> str:
    ordered = sorted(notices, key=lambda notice: _SEVERITIES[notice.severity])
    items = "".join(
        f'<li class="{notice.severity}"><strong>{_WORDS[notice.severity]}</strong> {escape(notice.text)}</li>'
        for notice in ordered
    )
    return f'<ul class="notices" aria-label="Warnings">{items}</ul>' if items else ""


def _contents(content: PageContent) -> str:
    links = [(section.group, section.identity, section.heading) for section in content.sections]
    if content.provenance is not None:
        links.append(("", "provenance", "Provenance"))
    items, last = "", ""
    for group, identity, heading in links:
        if group != last:
            items += f'<li class="group">{escape(group)}</li>' if group else '<li class="gap" role="none"></li>'
        items += f'<li><a href="#{escape(identity)}">{escape(heading)}</a></li>'
        last = group
    return f'<nav aria-label="Contents"><ol>{items}</ol></nav>' if items else ""


def _section(section: Section) -> str:
    explorer = _explorer(section.explorer.data) if section.explorer is not None else ""
    figures = "".join(map(_figure, section.figures))
    figures = f'<div class="figures">{figures}</div>' if figures else ""
    return (
        f'<section id="{escape(section.identity)}"><h2>{escape(section.heading)}</h2>{_paragraphs(section.explanation)}'
        f"{explorer}{_trace(section.trace)}{figures}"
        f"{''.join(map(_table, section.tables))}</section>"
    )


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part.strip())}</p>" for part in text.split("\n\n") if part.strip())


def _figure(figure: Figure) -> str:
    source = f"data:{figure.media_type};base64,{base64.b64encode(figure.data).decode('ascii')}"
    ending = {"image/png": "png", "image/svg+xml": "svg", "image/webp": "webp"}[figure.media_type]
    endings = (ending, "png") if ending == "svg" else (ending,)
    save = "".join(
        f'<button type="button" class="save" data-name="{escape(figure.name)}.{kind}">Save {kind.upper()}</button>'
        for kind in endings
    )
    picture = _later(f'<img src="{source}" alt="{escape(figure.alt)}" decoding="async">', figure)
    body = f'<figure class="{ending}">{picture}<figcaption>{escape(figure.caption)} {save}</figcaption></figure>'
    return f"<details><summary>{escape(figure.alt)}</summary>{body}</details>" if figure.folded else body


def _later(image: str, figure: Figure) -> str:
    """Keep a heavy drawing as text in a place of its size: the script puts it in when the page is open.

    A browser that runs no script shows it at once.
    """
    size = _SIZE.search(figure.data[:2000]) if len(figure.data) > _HEAVY else None
    if size is None:
        return image
    width, height = (float(number) for number in size.groups())
    place = f"width:{width:g}pt;aspect-ratio:{width:g}/{height:g}"
    return f'<span class="later" style="{place}"><noscript>{image}</noscript></span>'


def _table(table: Table) -> str:
    head = "".join(
        f'<th scope="col"><button type="button" class="sort">{escape(name)}</button></th>' for name in table.columns
    )
    rows = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in table.rows)
    link = ""
    if table.csv is not None:
        data = base64.b64encode(table.csv.encode("utf-8")).decode("ascii")
        link = (
            f'<p class="download"><a download="{escape(table.name)}.csv" href="data:text/csv;base64,{data}">'
            f"Download {escape(table.name)}.csv</a></p>"
        )
    return (
        f'<div class="table" tabindex="0" role="region" aria-label="{escape(table.caption or "table")}"><table>'
        f"<caption>{escape(table.caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{link}"
    )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, int):
        return f'<td class="number" data-value="{value}">{value}</td>'
    if isinstance(value, float):
        if not math.isfinite(value):
            return '<td class="number" data-value="">–</td>'
        return f'<td class="number" data-value="{value!r}">{number_text(value)}</td>'
    return f"<td>{escape(str(value))}</td>"


def number_text(value: float) -> str:
    """Return a number with three significant digits, without trailing noise.

    Examples
    --------
    >>> number_text(0.012345), number_text(1234.5), number_text(-2.5e-7)
    ('0.0123', '1234', '−2.5e−07')
    """
    text = f"{value:.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"
    return text.replace("-", "−")


def _json(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, separators=(",", ":"), sort_keys=True, allow_nan=False)
    # In a script element only these could end the data or start a comment.
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _trace(trace: Trace | None) -> str:
    if trace is None:
        return ""
    return f"""
<div class="voltage" role="group" aria-label="Voltage trace">
<script type="application/json">{_json(trace.data)}</script>
<noscript><p>The interactive trace needs JavaScript; the same curves follow as pictures.</p></noscript>
<canvas class="curve" tabindex="0" role="slider" aria-label="Frame on the voltage trace; arrow keys move it"
aria-valuemin="1" aria-valuemax="{max(len(trace.data["frames"]), 1)}" aria-valuenow="1"></canvas>
<p class="moment" aria-live="polite"></p>
</div>"""


def _explorer(data: Mapping[str, Any]) -> str:
    text = _json(data)
    options = "".join(
        f'<option value="{number}">{escape(str(layer["title"]))}</option>'
        for number, layer in enumerate(data["layers"])
    )
    last = len(data["frames"]) - 1
    return f"""
<div class="explorer" role="group" aria-label="Interactive map">
<script type="application/json">{text}</script>
<noscript><p>The interactive map needs JavaScript; the same maps follow as pictures.</p></noscript>
<div class="controls"><label>Show <select class="layer">{options}</select></label>
<button type="button" class="play" aria-pressed="false">Play</button>
<label class="time">Frame <input type="range" class="frame" min="0" max="{last}" value="0" step="1"></label>
<output class="stamp"></output></div>{_MARKING}
<div class="stage"><canvas class="map" tabindex="0" role="application"
aria-label="Map of the chosen quantity; arrow keys move the cursor, Enter sets a corner of a region, Escape clears it">
</canvas>
<div class="side"><canvas class="scale" role="img" aria-label="Colour scale"></canvas>
<p class="readout" aria-live="polite">Point at a pixel, or use the arrow keys.</p>
<canvas class="trace" role="img" aria-label="The chosen pixel against time"></canvas></div></div>{_COMPARED}
</div>"""


_MARKING = """
<div class="marking" role="group" aria-label="Regions of the map">
<button type="button" class="region a" aria-pressed="true">Region A</button>
<button type="button" class="region b" aria-pressed="false">Region B</button>
<button type="button" class="ellipse" aria-pressed="false">Ellipse</button>
<button type="button" class="clear" aria-label="Clear both regions">Clear</button>
<p class="said" aria-live="polite">Drag on the map to mark a region, or press Enter at two corners.</p></div>"""

_COMPARED = """
<p class="numbers" aria-live="polite"></p><div class="compared" hidden>
<div><canvas class="courses" role="img" aria-label="Mean x of the regions against time"></canvas></div>
<div class="spectral"><canvas class="spectra" role="img" aria-label="Spectra of the regions"></canvas>
<p class="spectrum-said"></p></div>
<p class="about">Lines over time join the measured frames. Bands, bars and ± are the random error of the mean, one
standard deviation; the error of I₀, common to a whole frame, and the systematic errors are not in them.
<button type="button" class="save-regions">Save CSV</button>
<button type="button" class="save-spectra">Save spectra CSV</button></p></div>"""


def _provenance(origin: Provenance) -> str:
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(text))}</dd>" for name, text in origin.facts.items())
    inputs = Table(
        ("File", "SHA-256"), tuple((name, digest) for name, digest in origin.inputs.items()), caption="Input files"
    )
    versions = Table(("Package", "Version"), tuple(origin.versions.items()), caption="Versions")
    return (
        '<section id="provenance"><h2>Provenance</h2><p>Everything needed to make this page again.</p>'
        + (f'<dl class="facts">{facts}</dl>' if facts else "")
        + (_table(inputs) if origin.inputs else "")
        + (_table(versions) if origin.versions else "")
        + _text("Recipe", origin.recipe)
        + _text("Please cite (BibTeX)", origin.bibtex)
        + "</section>"
    )


def _text(heading: str, text: str) -> str:
    if not text:
        return ""
    return (
        f'<h3>{escape(heading)}</h3><div class="text"><button type="button" class="copy">Copy</button>'
        f'<pre tabindex="0">{escape(text)}</pre></div>'
    )

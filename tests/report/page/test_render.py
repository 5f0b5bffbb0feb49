from __future__ import annotations

import base64
import hashlib
import html
import re
from html.parser import HTMLParser

import pytest

from lithiscope.report.page import (
    Explorer,
    Figure,
    Notice,
    PageContent,
    Provenance,
    Quantity,
    Section,
    Table,
    Trace,
    page,
)

HOSTILE = """<script>alert(1)</script><img src=x onerror=alert(2)>"'>&\u2028</pre></title>"""
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Balanced(HTMLParser):
    """Collects tags and attributes, and fails on a tag that is not closed in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text, self.identities = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.identities += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def whole(text="plain"):
    """A page with every kind of content, all of it the given text."""
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'
    figures = (
        Figure(svg, "image/svg+xml", alt=text, caption=text, name=text),
        Figure(b"RIFF", "image/webp", alt=text, caption=text, folded=True),
    )
    table = Table((text, "n"), ((text, 1), (text, float("nan"))), caption=text, csv=f"a\n{text}\n", name=text)
    data = {"layers": [{"title": text, "key": "x"}], "frames": [{"text": text}], "names": {"1": text}}
    return PageContent(
        title=text,
        subtitle=text,
        summary=(Quantity(text, text, text, text),),
        notices=(Notice(text, "note"), Notice(text, "error"), Notice(text)),
        sections=(
            Section(
                "one",
                text,
                f"{text}\n\n{text}",
                Explorer(data),
                figures,
                (table,),
                Trace({"frames": [{"text": text}]}),
                text,
            ),
        ),
        provenance=Provenance(text, {text: text}, {text: text}, {text: text}, text),
    )


def test_the_page_is_balanced_html_with_unique_anchors():
    found = Balanced(page(whole()))
    assert len(found.identities) == len(set(found.identities))
    assert {"one", "provenance", "main"} <= set(found.identities)
    links = [value[1:] for tag, name, value in found.attributes if tag == "a" and name == "href" and value[0] == "#"]
    assert set(links) <= set(found.identities)


def test_an_empty_page_is_still_a_page():
    found = Balanced(page(PageContent("nothing")))
    assert "nav" not in found.tags
    assert "table" not in found.tags


def test_hostile_text_stays_text_wherever_it_comes_from():
    found = Balanced(page(whole(HOSTILE)))
    assert found.tags.count("script") == 3  # the data of map and trace, and the page's own
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    assert [v for tag, name, v in found.attributes if (tag, name) == ("img", "src") and not v.startswith("data:")] == []
    assert HOSTILE in [value for tag, name, value in found.attributes if (tag, name) == ("img", "alt")]
    # Title, subtitle, notices, headings, captions, cells, recipe: the text arrives as it is.
    assert sum(HOSTILE in part or html.unescape(part) == HOSTILE for part in found.text) >= 15


def test_the_data_of_the_map_cannot_leave_their_element():
    text = page(whole(HOSTILE))
    data = re.search(r'<script type="application/json">(.*?)</script>', text, re.DOTALL).group(1)
    assert not set("<>&\u2028\u2029") & set(data)


def test_only_the_page_s_own_script_may_run_and_nothing_is_fetched():
    text = page(whole())
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert "default-src 'none'" in text
    assert re.findall(r"(?:src|href)=[\"'](?!data:|#)", text) == []
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text


def test_warnings_come_worst_first():
    text = page(whole())
    assert text.index('class="error"') < text.index('class="warning"') < text.index('class="note"')


def test_every_picture_tells_what_it_shows_and_every_control_has_a_name():
    found = Balanced(page(whole()))
    assert all(value for tag, name, value in found.attributes if (tag, name) == ("img", "alt"))
    assert found.tags.count("img") == sum((tag, name) == ("img", "alt") for tag, name, _ in found.attributes)
    assert ("html", "lang", "en") in found.attributes
    assert [v for t, n, v in found.attributes if (t, n) == ("canvas", "aria-label") and not v] == []


def test_numbers_carry_their_full_value_for_sorting_and_nan_is_a_dash():
    table = Table(("a", "b", "c", "d"), ((1.23456789, float("nan"), 7, True),))
    text = page(PageContent("t", sections=(Section("s", "S", tables=(table,)),)))
    assert '<td class="number" data-value="1.23456789">1.23</td>' in text
    assert '<td class="number" data-value="">–</td>' in text
    assert '<td class="number" data-value="7">7</td><td>yes</td>' in text


def test_a_download_holds_the_csv():
    text = page(whole())
    data = re.search(r'href="data:text/csv;base64,([^"]*)"', text).group(1)
    assert base64.b64decode(data) == b"a\nplain\n"


def test_the_same_content_gives_the_same_page():
    assert page(whole()) == page(whole())


def channel(value):
    value = int(value, 16) / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def contrast(one, other):
    light = [sum(w * channel(c[k : k + 2]) for w, k in ((0.2126, 1), (0.7152, 3), (0.0722, 5))) for c in (one, other)]
    return (max(light) + 0.05) / (min(light) + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [("ink", "paper"), ("muted", "paper"), ("muted", "raised"), ("accent", "paper"), ("error", "error-paper"),
     ("warning", "warning-paper"), ("note", "note-paper")],
)  # fmt: skip
def test_text_stands_out_from_its_paper(theme, ink, paper):
    blocks = re.findall(r":root\s*{(.*?)}", page(PageContent("t")), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", blocks[theme]))
    assert contrast(colours[ink], colours[paper]) >= 4.5  # WCAG 2.2 AA

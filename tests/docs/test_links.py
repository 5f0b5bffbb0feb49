"""Every link and every block of code of the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_CODE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: Path) -> set[str]:
    """Return what GitHub names the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", _CODE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            lost.append(link)
    assert not lost


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_blocks_of_code_can_be_read(page: Path) -> None:
    for language, code in _CODE.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            compile(code, str(page), "exec")
        elif language == "yaml":
            yaml.safe_load(code)


def test_commands_and_their_options_exist() -> None:
    from typer.main import get_command

    from lithiscope.cli.app import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    seen = 0
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = "\n".join([code for _, code in _CODE.findall(text)] + re.findall(r"^    (.*)$", text, re.MULTILINE))
        for name, rest in re.findall(r"^\s*(?:\$ )?lithiscope (\w+)(.*)$", blocks, re.MULTILINE):
            assert name in commands, f"{_named(page)}: lithiscope {name}"
            known = {option for one in commands[name].params for option in (*one.opts, *one.secondary_opts)} | {
                "--help"
            }
            for option in re.findall(r"(?<!\S)(--[a-z][a-z-]*)", rest.split(" #")[0]):
                assert option in known, f"{_named(page)}: lithiscope {name} {option}"
            seen += 1
    assert seen > 20


def test_the_citation_names_the_version_and_the_licence_of_the_package() -> None:
    from importlib.metadata import metadata

    told, cited = metadata("lithiscope"), yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["title"], cited["version"]) == (told["Name"], told["Version"])
    assert cited["license"] == told["License-Expression"]


@pytest.mark.parametrize("name", ["checks", "wheels"])
def test_workflows_run_commands_that_there_are(name: str) -> None:
    flow = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8"))
    steps = [step["run"] for job in flow["jobs"].values() for step in job["steps"] if "run" in step]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    made = [step.split()[1] for step in steps if step.startswith("make ")]
    assert all(f"\n{target}:" in makefile for target in made)
    assert {"checks": {"lint", "test"}, "wheels": set()}[name] == set(made)

"""Relative links and anchors of README files and docs lead to what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
APPS = ("core", "governance", "catalog", "lineage", "movement", "transforms", "config")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_PAGE_IN_CODE = re.compile(r"docs/[A-Za-z0-9_./-]+\.md")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def pages() -> list[Path]:
    globs = ("[A-Z]*.md", "docs/**/*.md", "[a-z]*/README.md")
    return sorted(page for glob in globs for page in REPOSITORY.glob(glob))


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_CODE.sub("", page.read_text())):
        address, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link) or address.startswith("/"):
            continue
        target = (page.parent / address).resolve() if address else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target)
        ):
            broken.append(link)
    assert broken == []


def test_the_pages_that_the_code_cites_exist() -> None:
    missing = {}
    for app in APPS:
        for source in (REPOSITORY / app).rglob("*.py"):
            for page in _PAGE_IN_CODE.findall(source.read_text()):
                if not (REPOSITORY / page).exists():
                    missing[page] = str(source.relative_to(REPOSITORY))
    assert missing == {}


@pytest.mark.parametrize("app", APPS[:-1])
def test_every_app_says_what_it_owns_and_never_does(app: str) -> None:
    text = (REPOSITORY / app / "README.md").read_text()
    for word in ("**Owns**", "**Never**", "**Start**"):
        assert word in text
    assert len(text.splitlines()) <= 14

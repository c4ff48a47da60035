"""The reference pages are what the code says, and no link of the documentation leads nowhere."""

import re
from collections import Counter

import pytest

from tests.docs.reference import FOLDER, PAGES, made
from tests.running import ROOT

_CODE = re.compile(r'^    code(?:: [^=]+)? = "(\w+)"$', re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_reference_page_is_as_the_code_is_now(name):
    assert (FOLDER / f"{name}.md").read_text(encoding="utf-8") == made(name), "stale: `make reference`"


def test_every_page_of_the_reference_is_made_from_code():
    assert {path.stem for path in FOLDER.glob("*.md")} == set(PAGES)


def test_each_error_code_is_defined_once():
    sources = [path for room in ("core", "models", "tasks", "workers", "api") for path in (ROOT / room).rglob("*.py")]
    defined = Counter(code for path in sources for code in _CODE.findall(path.read_text(encoding="utf-8")))
    assert defined["not_found"] == 1
    assert [code for code, times in defined.items() if times > 1] == []


def test_every_link_in_the_documentation_leads_somewhere():
    pages = [ROOT / "README.md", ROOT / "client" / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in _LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []

"""What stands around the sheets of an .xlsx file: their names and parts, the date system, the date styles."""

from __future__ import annotations

import posixpath
import pyexpat
from functools import cached_property

from core.errors import UnreadableFileError, UnsupportedTypeError
from core.light_types import NamedTuple
from core.workbook.archive import Archive, Part

Element = tuple[str, dict[str, str]]
# Built-in formats that show dates or times; custom ones start at 164.
DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
DATE_LETTERS = frozenset("dmyhs")


class SheetPart(NamedTuple):
    """A worksheet: its name, whether people see it, and its part in the archive."""

    name: str
    hidden: bool
    part: Part


class Package:
    """The workbook part and its relations, resolved once."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._workbook_name = self._find_workbook()
        elements = elements_of(archive, self._workbook_name)
        self.is_1904 = any(
            name == "workbookPr" and attributes.get("date1904") in {"1", "true"} for name, attributes in elements
        )
        self._links = self._relations(self._workbook_name)
        self.sheets = tuple(self._sheets(elements))
        if not self.sheets:
            raise UnreadableFileError("the workbook has no worksheet")

    def _find_workbook(self) -> str:
        for kind, target in self._relations("").values():
            if kind.endswith("/officeDocument"):
                return target
        if self._archive.find("xl/workbook.xml"):
            return "xl/workbook.xml"
        raise UnsupportedTypeError("the archive holds no workbook: it is another kind of file")

    def _relations(self, name: str) -> dict[str, tuple[str, str]]:
        """By id: the relation's type and the part it names, from the archive's root."""
        folder, base = posixpath.split(name)
        relations = posixpath.join(folder, "_rels", f"{base}.rels")
        if self._archive.find(relations) is None:
            return {}
        found = {}
        for element, attributes in elements_of(self._archive, relations):
            if element == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "").replace("\\", "/")
                path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
                found[attributes.get("Id", "")] = (attributes.get("Type", ""), path)
        return found

    def _sheets(self, elements: list[Element]) -> list[SheetPart]:
        sheets = []
        for name, attributes in elements:
            if name != "sheet":
                continue
            identity = next((value for key, value in attributes.items() if key.rpartition("}")[2] == "id"), "")
            kind, target = self._links.get(identity, ("", ""))
            if not kind.endswith("/worksheet"):
                continue  # chart and dialogue sheets have no cells
            part = self._archive.find(target)
            if part is None:
                raise UnreadableFileError(f"the part of sheet {attributes.get('name')!r} is missing: damaged")
            sheets.append(SheetPart(attributes.get("name", ""), attributes.get("state", "visible") != "visible", part))
        return sheets

    def _linked(self, ending: str) -> Part | None:
        targets = (target for kind, target in self._links.values() if kind.endswith(ending))
        return self._archive.find(next(targets, ""))

    @cached_property
    def shared_strings(self) -> Part | None:
        return self._linked("/sharedStrings")

    @cached_property
    def date_styles(self) -> frozenset[int]:
        """The cell styles that show a number as a date."""
        part = self._linked("/styles")
        if part is None:
            return frozenset()
        formats: dict[int, bool] = {}
        styles: list[int] = []
        inside = False
        for name, attributes in elements_of(self._archive, part.name):
            if name == "numFmt":
                formats[int(attributes.get("numFmtId", "0"))] = shows_date(attributes.get("formatCode", ""))
            elif name in {"cellXfs", "cellStyles", "dxfs"}:
                inside = name == "cellXfs"
            elif name == "xf" and inside:
                styles.append(int(attributes.get("numFmtId", "0")))
        return frozenset(at for at, form in enumerate(styles) if formats.get(form, form in DATE_FORMATS))


def shows_date(code: str) -> bool:
    """Whether a number format shows a date, going by its letters outside quotes, brackets and escapes."""
    bare, at = [], 0
    closers = {'"': '"', "[": "]"}
    while at < len(code):
        letter = code[at]
        if letter in closers:
            end = code.find(closers[letter], at + 1)
            at = len(code) if end < 0 else end + 1
        elif letter in "\\_*":
            at += 2
        else:
            bare.append(letter.lower())
            at += 1
    return bool(DATE_LETTERS & set(bare)) and "general" not in "".join(bare)


def elements_of(archive: Archive, name: str) -> list[Element]:
    """Every element of a small part with its attributes, in document order, names without prefixes."""
    part = archive.find(name)
    if part is None:
        raise UnreadableFileError(f"{name} is missing: the file is damaged")
    elements: list[Element] = []

    def refuse(*_: object) -> None:
        raise UnreadableFileError(f"{name} declares XML entities, which no honest workbook does: refused")

    parser = pyexpat.ParserCreate(namespace_separator="}")
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda tag, attributes: elements.append((tag.rpartition("}")[2], attributes))
    try:
        parser.Parse(archive.read(part), True)  # noqa: FBT003 - expat takes no keywords
    except pyexpat.ExpatError as error:
        raise UnreadableFileError(f"{name} is not well-formed XML: {error}") from error
    return elements

# ruff: noqa: ISC004 - XML is shown as it stands in the file
"""Make the sample and benchmark workbooks, the same bytes for the same seed.

`python -m data.make_workbooks FOLDER` writes the small samples; `--large` adds the five benchmark files of
docs/performance.md (a: one column of integers, b: money, c: mixed columns, d: three sheets, f: a million mixed rows).
"""

import argparse
import random
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml."
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
FIXED_TIME = (2026, 1, 1, 0, 0, 0)
MAX_ROWS = 1_048_575
NAMES = ("Acme", "Birch & Sons", "Cobalt", "Dune", "Ember", "Fjord", "Grove", "Harbour")

Row = list[str]


class SharedStrings:
    """Gives each distinct text its place in the table, as writers do."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def cell(self, address: str, text: str) -> str:
        place = self.places.setdefault(text, len(self.places))
        return f'<c r="{address}" t="s"><v>{place}</v></c>'

    def xml(self) -> Iterator[str]:
        yield f'{HEAD}<sst xmlns="{MAIN}" count="{len(self.places)}" uniqueCount="{len(self.places)}">'
        for text in self.places:
            yield f"<si><t>{text.replace('&', '&amp;').replace('<', '&lt;')}</t></si>"
        yield "</sst>"


def write_workbook(path: Path, sheets: dict[str, Callable[[SharedStrings], Iterable[str]]]) -> None:
    """Write a workbook from generators of `<row>` texts, in pieces, so that a million rows cost no memory."""
    strings = SharedStrings()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:

        def part(name: str, pieces: Iterable[str]) -> None:
            info = zipfile.ZipInfo(name, FIXED_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            texts = iter(pieces)
            with archive.open(info, "w", force_zip64=True) as target:
                while block := "".join(islice(texts, 2000)):
                    target.write(block.encode())

        numbers = range(1, len(sheets) + 1)
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{CONTENT}worksheet+xml"/>' for n in numbers
        )
        part(
            "[Content_Types].xml",
            [
                f'{HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">',
                '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>',
                '<Default Extension="xml" ContentType="application/xml"/>',
                f'<Override PartName="/xl/workbook.xml" ContentType="{CONTENT}sheet.main+xml"/>',
                f'<Override PartName="/xl/styles.xml" ContentType="{CONTENT}styles+xml"/>',
                f'<Override PartName="/xl/sharedStrings.xml" ContentType="{CONTENT}sharedStrings+xml"/>',
                f"{overrides}</Types>",
            ],
        )
        part(
            "_rels/.rels",
            [
                f'{HEAD}<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" '
                f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
            ],
        )
        tags = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, 1))
        part(
            "xl/workbook.xml",
            [f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{tags}</sheets></workbook>'],
        )
        links = "".join(
            f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
        )
        part(
            "xl/_rels/workbook.xml.rels",
            [
                f'{HEAD}<Relationships xmlns="{PACKAGE}">{links}'
                f'<Relationship Id="rId{len(sheets) + 1}" Type="{OFFICE}/styles" Target="styles.xml"/>'
                f'<Relationship Id="rId{len(sheets) + 2}" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
                "</Relationships>"
            ],
        )
        part("xl/styles.xml", [STYLES])
        for n, rows in enumerate(sheets.values(), 1):
            part(
                f"xl/worksheets/sheet{n}.xml",
                _chain(
                    [f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>'],
                    rows(strings),
                    ["</sheetData></worksheet>"],
                ),
            )
        part("xl/sharedStrings.xml", strings.xml())


STYLES = (
    f'{HEAD}<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>'
)


def _chain(*parts: Iterable[str]) -> Iterator[str]:
    for each in parts:
        yield from each


def header(strings: SharedStrings, names: list[str]) -> str:
    cells = "".join(strings.cell(f"{'ABCDEFGHIJ'[n]}1", name) for n, name in enumerate(names))
    return f'<row r="1">{cells}</row>'


def integers(count: int, seed: int, target: int) -> Callable[[SharedStrings], Iterable[str]]:
    """One column `Numbers` of even integers; only the last two rows, of which one is odd, make the target."""

    def rows(strings: SharedStrings) -> Iterator[str]:
        chosen = random.Random(seed)
        yield header(strings, ["Numbers"])
        for row in range(2, count):
            yield f'<row r="{row}"><c r="A{row}"><v>{2 * chosen.randrange(1, 10**9)}</v></c></row>'
        first = 2 * 10**9 + 1
        yield f'<row r="{count}"><c r="A{count}"><v>{first}</v></c></row>'
        yield f'<row r="{count + 1}"><c r="A{count + 1}"><v>{target - first}</v></c></row>'

    return rows


def money(count: int, seed: int) -> Callable[[SharedStrings], Iterable[str]]:
    """One column of amounts with an even number of cents; the last two alone make 4000000.01."""

    def rows(strings: SharedStrings) -> Iterator[str]:
        chosen = random.Random(seed)
        yield header(strings, ["Numbers"])
        for row in range(2, count):
            cents = 2 * chosen.randrange(1, 5 * 10**7)
            yield f'<row r="{row}"><c r="A{row}" s="2"><v>{cents / 100!r}</v></c></row>'
        yield f'<row r="{count}"><c r="A{count}" s="2"><v>3000000.02</v></c></row>'
        yield f'<row r="{count + 1}"><c r="A{count + 1}" s="2"><v>999999.99</v></c></row>'

    return rows


COLUMNS = ["Id", "Date", "Customer", "Currency", "Reference", "Numbers", "Quantity", "Rate", "Note", "Open"]


def mixed(count: int, seed: int, distinct_references: bool = True) -> Callable[[SharedStrings], Iterable[str]]:
    """Ten columns as a ledger has them; `Numbers` (F) holds the amounts, its last two alone make 4000000.01."""

    def rows(strings: SharedStrings) -> Iterator[str]:
        chosen = random.Random(seed)
        yield header(strings, COLUMNS)
        for row in range(2, count + 2):
            cents = 2 * chosen.randrange(1, 5 * 10**7)
            value = {count: "3000000.02", count + 1: "999999.99"}.get(row) or repr(cents / 100)
            reference = f"INV-{row if distinct_references else row % 1000:07d}"
            yield "".join(
                (
                    f'<row r="{row}" spans="1:10"><c r="A{row}"><v>{row - 1}</v></c>',
                    f'<c r="B{row}" s="1"><v>{45000 + row % 700}</v></c>',
                    strings.cell(f"C{row}", NAMES[row % 8]),
                    strings.cell(f"D{row}", ("EUR", "USD", "GBP")[row % 3]),
                    strings.cell(f"E{row}", reference),
                    f'<c r="F{row}" s="2"><v>{value}</v></c><c r="G{row}"><v>{row % 17}</v></c>',
                    f'<c r="H{row}"><v>{(row % 97) / 100!r}</v></c>',
                    strings.cell(f"I{row}", "settled by transfer"),
                    f'<c r="J{row}" t="b"><v>{row % 2}</v></c></row>',
                )
            )

    return rows


def open_items(count: int, seed: int) -> Callable[[SharedStrings], Iterable[str]]:
    """A small ledger a person can look at: invoices, and payments some of which settle two of them."""

    def rows(strings: SharedStrings) -> Iterator[str]:
        chosen = random.Random(seed)
        yield header(strings, ["Date", "Customer", "Currency", "Document", "Amount"])
        start = (datetime(2026, 1, 1, tzinfo=UTC) - datetime(1899, 12, 30, tzinfo=UTC)).days
        invoices: list[int] = []
        for row in range(2, count + 2):
            is_payment = row % 4 == 1 and len(invoices) > 1
            cents = chosen.randrange(1000, 500_000)
            if is_payment:
                cents = -(invoices.pop() + invoices.pop())
            else:
                invoices.append(cents)
            yield "".join(
                (
                    f'<row r="{row}"><c r="A{row}" s="1"><v>{start + row // 8}</v></c>',
                    strings.cell(f"B{row}", NAMES[(row // 4) % 8]),
                    strings.cell(f"C{row}", "EUR"),
                    strings.cell(f"D{row}", f"{'PAY' if is_payment else 'INV'}-{row:05d}"),
                    f'<c r="E{row}" s="2"><v>{cents / 100!r}</v></c></row>',
                )
            )

    return rows


def make_samples(folder: Path) -> list[Path]:
    """The small workbooks of the documentation, and the one that `make demo` scans."""
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / "numbers.xlsx", folder / "open_items.xlsx"]
    write_workbook(made[0], {"Sheet1": integers(1000, seed=1, target=4_000_000_003)})
    write_workbook(made[1], {"Open items": open_items(2000, seed=2)})
    return [*made, make_ledger(folder)]


def make_ledger(folder: Path) -> Path:
    """Fifty thousand rows as a bookkeeping program exports them; two amounts alone make 4000000.01."""
    path = folder / "ledger.xlsx"
    write_workbook(path, {"Ledger": mixed(50_000, seed=3)})
    return path


def make_large(folder: Path) -> list[Path]:
    """The benchmark workbooks a, b, c, d and f."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets: dict[str, dict[str, Callable[[SharedStrings], Iterable[str]]]] = {
        "a": {"Sheet1": integers(MAX_ROWS, seed=11, target=4_000_000_003)},
        "b": {"Sheet1": money(1_000_000, seed=12)},
        "c": {"Ledger": mixed(200_000, seed=13)},
        "d": {f"Month {n}": money(300_000, seed=14 + n) for n in (1, 2, 3)},
        "f": {"Ledger": mixed(1_000_000, seed=18)},
    }
    for name, content in sheets.items():
        if not (folder / f"{name}.xlsx").exists():
            write_workbook(folder / f"{name}.part", content)
            (folder / f"{name}.part").rename(folder / f"{name}.xlsx")
    return [folder / f"{name}.xlsx" for name in sheets]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data"))
    parser.add_argument("--large", action="store_true", help="also the five benchmark workbooks")
    options = parser.parse_args()
    made = make_samples(options.folder)
    if options.large:
        made += make_large(options.folder)
    for path in made:
        print(f"{path}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

"""Write a transaction file as dirty as real ones: seeded, of any size, with every fault the contract names."""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

COLUMNS = ("id", "name", "company_id", "amount", "status", "created_at", "paid_at")
RECORD_ENDS = {"lf": b"\n", "crlf": b"\r\n", "crcrlf": b"\r\r\n"}
COMPANIES = (
    ("MiPasajefy", "cbf1c8b09cd5b549416d49d220a40cbd317f952e"),
    ("Muebles chidos", "8f642dc67fccf861548dfe1c761ce22f795e91f0"),
    ("Papelería Ágil", "3b18a7ab4e1f5c5ad2ea6fd0f3c2a2f6c2f0b1d9"),
    ("Taller Ñandú", "f0a9d8a2c4b34de19a34f1f93e9ab5b0a4c8d7e2"),
    ("Café Central", "51c2a4f6e8d0b2a4c6e8f0d2b4a6c8e0f2d4b6a8"),
)
STATUSES = (
    ("paid", 60),
    ("pending_payment", 15),
    ("voided", 8),
    ("refunded", 7),
    ("expired", 4),
    ("charged_back", 3),
    ("pre_authorized", 2),
    ("partially_refunded", 1),
)
FIRST_DAY = date(2024, 1, 1)
DAYS = 366
ROWS_AT_ONCE = 20_000

Row = list[str]
Fault = Callable[[random.Random, Row, Row], None]  # mends nothing: spoils the row, given an earlier one


def _set(column: str, *values: str) -> Fault:
    position = COLUMNS.index(column)

    def spoil(rng: random.Random, row: Row, _earlier: Row) -> None:
        row[position] = rng.choice(values)

    return spoil


def _same_id(_rng: random.Random, row: Row, earlier: Row) -> None:
    row[0] = earlier[0]


def _same_first_24(rng: random.Random, row: Row, earlier: Row) -> None:
    row[0] = earlier[0][:24] + rng.randbytes(8).hex()


def _repeated(_rng: random.Random, row: Row, earlier: Row) -> None:
    row[:] = earlier


def _corrupted_name(rng: random.Random, row: Row, _earlier: Row) -> None:
    row[1] = row[1][: rng.randint(1, 5)] + "0xFFFF"


def _no_company(_rng: random.Random, row: Row, _earlier: Row) -> None:
    row[1] = row[2] = ""


def _company_prefix(_rng: random.Random, row: Row, _earlier: Row) -> None:
    row[2] = row[2][:24] + "0123456789abcdef"


def _negative(_rng: random.Random, row: Row, _earlier: Row) -> None:
    row[3] = "-" + row[3]


def _paid_early(_rng: random.Random, row: Row, _earlier: Row) -> None:
    row[6] = "2023-12-31"


def _compact_date(_rng: random.Random, row: Row, _earlier: Row) -> None:
    row[5] = row[5].replace("-", "")


def _date_with_time(rng: random.Random, row: Row, _earlier: Row) -> None:
    row[5] += rng.choice(("T00:00:00", " 08:15:00", "T08:15:00Z", "T23:30:00-02:00"))


def _loud_status(_rng: random.Random, row: Row, _earlier: Row) -> None:
    row[4] = f" {row[4].upper()} "


def _too_few_fields(_rng: random.Random, row: Row, _earlier: Row) -> None:
    del row[5:]


def _too_many_fields(_rng: random.Random, row: Row, _earlier: Row) -> None:
    row.append("surplus")


FAULTS: tuple[Fault, ...] = (
    _set("id", "", "  ", "****************"),
    _same_id,
    _same_first_24,
    _repeated,
    _corrupted_name,
    _set("name", ""),
    _set("name", "N" * 131),
    _set("company_id", "", "*******"),
    _no_company,
    _company_prefix,
    _negative,
    _set("amount", "3.0e34", "3.0e213231213123", "1e" + "9" * 100, "-3.0e-" + "9" * 100),
    _set("amount", "", "0", "0.004", "NaN", "Infinity", "1,234.50", "12.5.1", "abc"),
    _set("amount", "0.005", "18.125", "99.99499999999999999999", "2.5e2", "+7.10"),
    _set("amount", "1000000000", "99999999999999.99", "99999999999999.995"),
    _set("status", "", "0xFFFF", "p&0x3fid", "payed"),
    _loud_status,
    _compact_date,
    _date_with_time,
    _set("created_at", "2024-02-30", "2023-02-29", "20241301", "yesterday", ""),
    _set("created_at", "2024/03/09", "31/12/2024", "01/02/2024", "9 Mar 2024"),
    _paid_early,
    _set("paid_at", "2024-13-01", "soon"),
    _set("paid_at", "20250101", "2025-01-01T10:00:00"),
)
# Records that are broken as records: stricter readers refuse the whole file for one of them.
BROKEN: tuple[Fault, ...] = (
    _too_few_fields,
    _too_many_fields,
    _set("name", '"never closed', 'in"side', "nul\x00byte", "Caf\udce9 Latin"),
)


def rows(count: int, *, dirt: float, seed: int, is_well_formed: bool = False) -> Iterator[Row]:
    """Yield `count` rows; about `dirt` of them carry one fault, each fault as likely as any other."""
    faults = FAULTS if is_well_formed else FAULTS + BROKEN
    rng = random.Random(seed)
    names, weights = zip(*STATUSES, strict=True)
    days = [(FIRST_DAY + timedelta(days=day)).isoformat() for day in range(DAYS + 10)]
    earlier: Row | None = None
    for start in range(0, count, ROWS_AT_ONCE):
        size = min(ROWS_AT_ONCE, count - start)
        ids = rng.randbytes(20 * size).hex()
        statuses = rng.choices(names, weights, k=size)
        companies = rng.choices(COMPANIES, k=size)
        created = rng.choices(range(DAYS), k=size)
        for index in range(size):
            name, company_id = companies[index]
            status = statuses[index]
            cents = int(rng.random() ** 3 * 5_000_000) + 1
            is_paid = status in {"paid", "refunded", "charged_back", "partially_refunded"}
            paid = days[created[index] + cents % 10] if is_paid else ""
            row = [
                ids[40 * index : 40 * index + 40],
                name,
                company_id,
                f"{cents // 100}.{cents % 100:02d}",
                status,
                days[created[index]],
                paid,
            ]
            if rng.random() < dirt and earlier is not None:
                rng.choice(faults)(rng, row, earlier)
            elif earlier is None or rng.random() < 0.01:
                earlier = list(row)
            yield row


def write(
    path: Path,
    count: int,
    *,
    dirt: float,
    seed: int,
    record_end: bytes = b"\n",
    is_well_formed: bool = False,
) -> int:
    """Write the file in pieces; return how many bytes it has."""
    with path.open("wb") as target:
        target.write(",".join(COLUMNS).encode() + record_end)
        piece: list[bytes] = []
        for row in rows(count, dirt=dirt, seed=seed, is_well_formed=is_well_formed):
            # Joined by hand: a writer that quotes would take the stray quotes and surplus commas away.
            piece.append(_text(row))
            if len(piece) == ROWS_AT_ONCE:
                target.write(record_end.join(piece) + record_end)
                piece.clear()
        if piece:
            target.write(record_end.join(piece) + record_end)
        return target.tell()


def _text(row: Row) -> bytes:
    amount = row[3]
    if "," in amount:
        row[3] = f'"{amount}"'
    return ",".join(row).encode("utf-8", "surrogateescape")  # a lone byte stays one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--dirt", type=float, default=0.02, help="share of rows with a fault")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--record-end", choices=sorted(RECORD_ENDS), default="lf")
    parser.add_argument("--well-formed", action="store_true", help="only faults that a strict reader lets through")
    chosen = parser.parse_args()
    size = write(
        chosen.path,
        chosen.rows,
        dirt=chosen.dirt,
        seed=chosen.seed,
        record_end=RECORD_ENDS[chosen.record_end],
        is_well_formed=chosen.well_formed,
    )
    print(f"{chosen.path}: {chosen.rows} rows, {size} bytes")


if __name__ == "__main__":
    main()

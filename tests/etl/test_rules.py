"""Every row's fate, for generated dirty files, is the one that the slow and obvious oracle gives it."""

import csv
import io
import tempfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import hypothesis
import pyarrow as pa
import pytest
from hypothesis import strategies as st

from tasks.etl import verdicts as verdicts_module
from tasks.etl.amounts import money_column
from tasks.etl.daily_sums import DailySums
from tasks.etl.reasons import Note, notes_in, reasons_in
from tasks.etl.records import TextFile
from tasks.etl.settings import RunSettings
from tasks.etl.stages.spool import Spool, surveyed
from tasks.etl.statuses import STATUSES
from tasks.etl.verdicts import Verdicts
from tests.etl.oracle import Oracle, amount_of, moment_of

COLUMNS = ["id", "name", "company_id", "amount", "status", "created_at", "paid_at"]
LONG = "cbf1c8b09cd5b549416d49d220a40cbd317f952e"
ids = st.one_of(
    st.sampled_from(
        ["", " ", "a", "b", "é" * 23, "é" * 30, LONG, LONG[:30], " " + LONG, "***", "x", "null", "N/A", "xX-"]
    ),
    st.text("abé*x", min_size=0, max_size=30),
)
names = st.sampled_from(["", "Acme", "Acme ", "Ac0xFFFF", "Béta, Inc", 'Quo"te', "N" * 130, "N" * 131, "none", "=1+1"])
company_ids = st.sampled_from(["", "*****", "c1", "c2", LONG, LONG[:24] + "zz", "c1 ", "nan", "ñ" * 24, "ñ" * 25])
amounts = st.one_of(
    st.sampled_from(
        [
            "",
            "0",
            "0.004",
            "0.005",
            "1.005",
            "3.0e34",
            "3.0e213231213123",
            "1e" + "9" * 100,
            "1e-" + "9" * 100,
            "0e999999",
            "99999999999999.99",
            "99999999999999.994",
            "99999999999999.995",
            "100000000000000",
            "-1",
            "-0",
            "+5",
            ".5",
            "5.",
            ".",
            "e5",
            "1e",
            "1,5",
            "1_000",
            "٣",
            "Infinity",
            "NaN",
            "0x10",
            "000000000000000000001.10",
            "1e9",
            " 7.1 ",
            "2.5e2",
            "12345678901234567890e-6",
            "1" * 400 + "e-398",
            "0." + "0" * 300 + "1e301",
        ]
    ),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.decimals(min_value=0, max_value=10**14, places=3).map(str),
    st.decimals(min_value=0, max_value=100, places=7).map(str),
)
statuses = st.sampled_from([*STATUSES, "PAID", " paid ", "", "payed", "0xFFFF", "null"])
dates = st.one_of(
    st.sampled_from(
        [
            "",
            "2019-05-16",
            "20190516",
            "2019-05-16T00:00:00",
            "2019-05-16 10:11",
            "2019/05/16",
            "2019.05.16",
            "2019-02-29",
            "2020-02-29",
            "2019-13-01",
            "31/12/2019",
            "12/31/2019",
            "01/02/2019",
            "05/05/2019",
            "31/02/2019",
            "16 May 2019",
            "May 16, 2019",
            "16-May-2019",
            "2019-05-16T23:30:00-02:00",
            "2019-05-16T23:30:00Z",
            "2019-05-16T24:00:00",
            "soon",
            "2019-05-16T10:11:12.5",
            "0001-01-01T00:00:00+02:00",
            "9999-12-31T23:59:59-01:00",
            "2019-5-6",
            "null",
            "1558000000",
            "2019-05-16T10:61:00",
        ]
    ),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.replace(microsecond=0).isoformat()),
)
row = st.tuples(ids, names, company_ids, amounts, statuses, dates, dates)
broken = st.tuples(ids, names, st.sampled_from(["c1", "c3", LONG]), amounts, statuses, dates) | st.tuples(
    ids, names, st.sampled_from(["c1", "c3", LONG]), amounts, statuses, dates, dates, st.just("more")
)
usual = st.tuples(
    st.text("ab", min_size=1, max_size=2),
    st.just("Acme"),
    st.just("c1"),
    st.just("1"),
    st.just("paid"),
    st.just("2019-05-16"),
    st.just(""),
)


def judged(data, settings=None, **named):
    """The fate of each line, as the oracle words it."""
    fates = {}
    for part, chosen in batches_of(data, settings or RunSettings(**named)):
        fates |= _fates(part, chosen)
    return fates


def batches_of(data, settings):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        with surveyed(path) as spool:
            for part in TextFile(io.BytesIO(data), mapping=settings.mapping).records():
                spool.write(part.batch)
        with Verdicts(Spool(path), settings, lambda *_: None) as verdicts:
            yield from verdicts.judged(lambda judged, chosen: (judged, chosen))


def _fates(part, chosen):
    fates = {}
    lines = part.records.column("line").to_pylist()
    short, companies = part.short_ids.to_pylist(), part.company_ids.to_pylist()
    for index in range(len(part)):
        if not chosen[index]:
            continue
        if part.reasons[index]:
            fates[lines[index]] = ("reject", frozenset(map(str, reasons_in(int(part.reasons[index])))))
            continue
        repairs = frozenset(str(note) for note in notes_in(int(part.notes[index])) if Note(note).is_repair)
        fates[lines[index]] = (
            "charge",
            short[index],
            companies[index],
            Decimal(int(part.cents[index])).scaleb(-2),
            STATUSES[part.statuses[index]],
            moment_of(part.created[index]),
            moment_of(part.paid[index]) if part.is_paid[index] else None,
            repairs,
        )
    return fates


def file_of(rows, end="\n"):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(
    rows=st.lists(st.one_of(row, usual), max_size=25),
    repair=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r\r\n"]),
)
def test_every_row_has_the_fate_that_the_oracle_gives_it(rows, repair, end):
    expected = Oracle(enumerate(rows, start=2), repair=repair).fates()
    assert judged(file_of(rows, end), repair=repair) == expected
    assert len(expected) == len(rows)


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(rows=st.lists(st.one_of(broken, usual, row), max_size=12))
def test_a_record_with_too_few_or_too_many_fields_says_nothing_about_companies_or_ids(rows):
    lines = list(enumerate(rows, start=2))
    expected = Oracle([(line, fields) for line, fields in lines if len(fields) == len(COLUMNS)]).fates()
    for line, fields in lines:
        if len(fields) != len(COLUMNS):
            reason = "too_few_fields" if len(fields) < len(COLUMNS) else "too_many_fields"
            expected[line] = ("reject", frozenset([reason]))
    assert judged(file_of(rows)) == expected


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(rows=st.lists(st.one_of(row, usual), min_size=1, max_size=40))
def test_fates_do_not_depend_on_how_much_is_held_in_memory(rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdicts_module, "HELD_AT_ONCE", 2)
        patch.setattr("tasks.etl.duplicates.HASHES_AT_ONCE", 5)
        patch.setattr("tasks.etl.company_count.PAIRS_AT_ONCE", 2)
        patch.setattr("tasks.etl.hashing.MOST", 1)
        patch.setattr("tasks.etl.records.PIECE_BYTES", 300)
        patch.setattr("tasks.etl.stages.spool.GROUPED", 5)
        assert judged(file_of(rows)) == Oracle(enumerate(rows, start=2)).fates()


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(
    texts=st.lists(amounts | st.none() | st.text("0123456789./:é ", max_size=20)),
    start=st.integers(0, 3),
)
def test_a_column_of_amounts_reads_like_its_texts_one_by_one(texts, start):
    column = money_column(pa.array(texts, pa.string()).slice(start))
    for text, cents, bits in zip(texts[start:], column.cents, column.reasons, strict=True):
        expected, reasons = amount_of(text)
        assert (cents, list(map(str, reasons_in(int(bits))))) == (int((expected or 0) * 100), reasons)


@pytest.mark.parametrize("at_once", [1, 3, 1000])
@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(
    rows=st.lists(
        st.tuples(
            st.text("abcd", min_size=2, max_size=4),
            st.just("Acme"),
            st.sampled_from(["c1", "c2", "c3"]),
            st.sampled_from(["1", "0.01", "99999999999999.99", "x"]),
            st.sampled_from(["paid", "refunded", "voided"]),
            st.sampled_from(["2019-05-16", "2019-05-17T23:59:59", "1969-12-31", "0001-01-01"]),
            st.just(""),
        ),
        max_size=60,
    )
)
def test_charges_are_summed_up_by_day_and_company_to_the_cent(at_once, rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.etl.records.PIECE_BYTES", 300)
        patch.setattr("tasks.etl.stages.spool.GROUPED", 5)
        patch.setattr("tasks.etl.daily_sums.MERGED_AT", at_once)
        sums = DailySums()
        for part, chosen in batches_of(file_of(rows), RunSettings()):
            sums.add(part, chosen)
    charges = [fate for fate in Oracle(enumerate(rows, start=2)).fates().values() if fate[0] == "charge"]
    expected = defaultdict(list)
    for _, _, company_id, amount, status, created, *_ in charges:
        if status in {"paid", "refunded"}:
            expected[created.date().isoformat(), company_id].append(amount)
    assert sums.is_complete
    assert sums.companies == {charge[2] for charge in charges}
    assert {(day, company): (Decimal(total), count) for day, company, total, count in sums.rows()} == {
        key: (sum(amounts), len(amounts)) for key, amounts in expected.items()
    }


def test_more_days_and_companies_than_are_kept_in_memory_are_left_to_postgres(monkeypatch):
    monkeypatch.setattr("tasks.etl.daily_sums.MOST_SUMS", 2)
    monkeypatch.setattr("tasks.etl.daily_sums.MERGED_AT", 2)
    rows = [(f"id{day}", "Acme", "c1", "1", "paid", f"2019-05-{day}", "") for day in (10, 11, 12)]
    sums = DailySums()
    for part, chosen in batches_of(file_of(rows), RunSettings()):
        sums.add(part, chosen)
    assert not sums.is_complete
    assert list(sums.rows()) == []

"""The reader: usual forms are read exactly, a broken record costs only itself, a broken file is one clear error."""

import gzip
import io
from datetime import date
from decimal import Decimal

import hypothesis
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from core.errors import InvalidInputError, UnreadableFileError
from tasks.etl import records as records_module
from tasks.etl.fields import COLUMNS
from tasks.etl.records import TextFile
from tasks.etl.settings import RunSettings
from tasks.etl.source import open_transactions
from tests.etl.test_rules import file_of

HEAD = ",".join(COLUMNS)
GOOD = "a1,Acme,c1,1.50,paid,2024-01-01,"


def read(data, **options):
    """The fields and the problem of each line."""
    if isinstance(data, str):
        data = data.encode()
    found = {}
    for part in TextFile(io.BytesIO(data), **options).records():
        for row in part.batch.to_pylist():
            assert row["line"] not in found
            found[row["line"]] = ([row[name] for name in COLUMNS], row["problem"])
    return dict(sorted(found.items()))


def good(line=GOOD):
    return line.split(","), None


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_every_record_end_is_one_line_and_the_last_may_be_missing(end, last):
    text = end.join([HEAD, GOOD, "", GOOD]) + (end if last else "")
    assert read(text) == {2: good(), 4: good()}


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ":", "^", "~"])
def test_the_delimiter_is_found_from_the_header(delimiter):
    assert read(f"{HEAD}\n{GOOD}\n".replace(",", delimiter)) == {2: good()}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_the_encoding_is_found(encoding):
    line = GOOD.replace("Acme", "Café Ñandú")
    assert read(f"{HEAD}\n{line}\n".encode(encoding)) == {2: good(line)}


def test_as_many_bad_bytes_as_good_letters_do_not_make_another_encoding_of_the_file():
    lines = [GOOD.replace("a1", "Ñ1").encode(), GOOD.replace("Acme", "x").encode().replace(b"x", b"A\xff\xfe")]
    found = read(f"{HEAD}\n".encode() + b"\n".join(lines) + b"\n")
    assert found[2] == good(GOOD.replace("a1", "Ñ1"))
    assert found[3][1] == "bad_encoding"


def test_gzip_is_read_and_a_cut_off_gzip_is_an_error():
    packed = gzip.compress(f"{HEAD}\n{GOOD}\n".encode() * 50)
    assert len(read(packed)) == 99
    with pytest.raises(UnreadableFileError, match="inflated"):
        read(packed[:-20])


def test_broken_records_cost_only_themselves():
    lines = [
        HEAD,
        GOOD,
        "short,Acme",
        GOOD + ",surplus",
        'b,"never closed,c1,1,paid,2024-01-01,',
        GOOD,
        "n\0l,Acme,c1,1,paid,2024-01-01,",
        'c,"two\nlines, and ""quotes""",c1,1,paid,2024-01-01,',
        'd,in"side,c1,1,paid,2024-01-01,',
        GOOD,
    ]
    data = "\n".join(lines).encode() + b"\nx\xff\xc3,Acme,c1,1,paid,2024-01-01,\n\xc3\xa9,Acme,c1,1,paid,2024-01-01,\n"
    found = read(data, encoding="utf-8")
    assert {line: problem for line, (_, problem) in found.items()} == {
        2: None,
        3: "too_few_fields",
        4: "too_many_fields",
        5: "quote_not_closed",
        6: None,
        7: "nul_byte",
        8: None,
        10: None,
        11: None,
        12: None,
        13: None,
    } | {12: "bad_encoding"}
    assert found[8][0][1] == 'two\nlines, and "quotes"'
    assert found[10][0][1] == 'in"side'


def test_a_broken_record_keeps_its_own_bytes():
    data = f"{HEAD}\n".encode() + b"x\xff\0,Acme\xc3\xa9,c1,1,paid,2024-01-01,\n"
    (part,) = TextFile(io.BytesIO(data), encoding="utf-8").records()
    assert part.batch.to_pylist()[0]["record"] == b"x\xff\0,Acme\xc3\xa9,c1,1,paid,2024-01-01,"


def test_a_quote_that_never_closes_does_not_swallow_the_rows_after_it():
    lines = [HEAD, 'a,"open,c1,1,paid,2024-01-01,', *[GOOD] * 3000, 'b,"closed",c1,1,paid,2024-01-01,', *[GOOD] * 10]
    found = read("\n".join(lines))
    assert len(found) == 3012
    assert [line for line, (_, problem) in found.items() if problem] == [2]


def test_a_ten_megabyte_field_is_a_record_like_any_other():
    big = "x" * 10_000_000
    found = read(f'{HEAD}\n{GOOD}\na,{big},c1,1,paid,2024-01-01,\nb,"{big}\n",c1,1,paid,2024-01-01,\n{GOOD}\n')
    assert [len(fields[1]) for fields, _ in found.values()] == [4, 10_000_000, 10_000_001, 4]


def test_a_file_without_line_ends_is_an_error_with_the_line():
    with pytest.raises(UnreadableFileError, match="line 3: a record is longer"):
        read(f"{HEAD}\n{GOOD}\n" + "x" * 40_000_000)


@pytest.mark.timeout(60)  # in the square of its size it would take hours
def test_a_hostile_pile_of_quotes_is_read_in_time_that_grows_with_its_size():
    assert len(read(HEAD + "\n" + 'a,"""x\n' * 200_000)) == 200_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("id,name\n1,a\n", "no column company_id, amount, status, created_at, paid_at; the file has id, name"),
        (HEAD + ",id\n", "'id' comes more than once"),
        (GOOD + "\n", "no column id"),
        (HEAD.replace("amount", "amuont") + "\n", 'mapping`, perhaps {"amount": "amuont"}'),
    ],
)
def test_a_file_that_cannot_be_meant_is_one_clear_error(text, message):
    with pytest.raises(InvalidInputError, match=message):
        read(text)


def test_a_header_alone_is_a_file_with_no_rows():
    assert read(HEAD) == read(HEAD + "\r\n") == {}


def test_columns_may_stand_anywhere_and_be_called_otherwise():
    text = "Paid_At,extra,STATUS,created_at,amount,company_id,name,key\n,x,paid,2024-01-01,1.50,c1,Acme,a1\n"
    assert read(text, mapping={"id": "Key"}) == {2: good()}


def test_spaces_and_dashes_between_the_words_of_a_header_are_the_same_columns():
    assert read("ID, Name ,Company ID,AMOUNT,Status,Created-At,paid at\n" + GOOD) == {2: good()}
    text = "ID,Name,Company ID,Gross-Amount,Status,Created-At,paid at\n" + GOOD
    assert read(text, mapping={"amount": "gross amount"}) == {2: good()}


def test_a_file_we_wrote_is_read_without_its_guards():
    text = f"reckoner_line,{HEAD}\n9,'=a1,'-Acme,''quoted,'1.50,paid,2024-01-01,\n"
    assert read(text)[2][0] == ["=a1", "-Acme", "'quoted", "'1.50", "paid", "2024-01-01", ""]


def test_parquet_is_read_as_the_texts_people_would_write(tmp_path):
    table = pa.table(
        {
            "id": ["a", None],
            "name": pa.array(["Acme", "B"]).dictionary_encode(),
            "company_id": [1, 2],
            "amount": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
            "status": ["paid", "paid"],
            "created_at": [date(2024, 1, 1), None],
            "paid_at": pa.array([0, None], pa.timestamp("us")),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    with open_transactions(tmp_path / "t.parquet", "t.parquet", RunSettings()) as opened:
        (part,) = opened.records()
    rows = part.batch.to_pylist()
    assert [rows[0][name] for name in COLUMNS] == [
        "a",
        "Acme",
        "1",
        "1.50",
        "paid",
        "2024-01-01",
        "1970-01-01 00:00:00.000000",
    ]
    assert [row["line"] for row in rows] == [2, 3]
    assert rows[1]["amount"] is None


def test_a_workbook_is_read_with_its_own_row_numbers_and_dates(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(list(COLUMNS))
    book.active.append(["a1", "Acme", "c1", 1.5, "paid", date(2024, 1, 1), None])
    book.active.append([])
    book.active.append(["a2", "Acme", "c1", 940438.1899999999, "paid", 20240101, "2024-01-02"])
    book.save(tmp_path / "t.xlsx")
    with open_transactions(tmp_path / "t.xlsx", "t.xlsx", RunSettings()) as opened:
        (part,) = opened.records()
    rows = [[row["line"], *(row[name] for name in COLUMNS)] for row in part.batch.to_pylist()]
    assert rows == [
        [2, "a1", "Acme", "c1", "1.5", "paid", "2024-01-01", None],
        [4, "a2", "Acme", "c1", "940438.19", "paid", "20240101", "2024-01-02"],
    ]


fields = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8)


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(
    rows=st.lists(st.tuples(*[fields] * 7).filter(any), max_size=12),
    size=st.integers(1, 40),
    end=st.sampled_from(["\n", "\r\n", "\r\r\n"]),
)
def test_well_formed_records_are_read_exactly_wherever_the_pieces_are_cut(rows, size, end):
    data = file_of(rows, end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records_module, "PIECE_BYTES", size)
        found = read(data, encoding="utf-8")
    assert [tuple(fields) for fields, problem in found.values()] == [tuple(row) for row in rows]
    assert all(problem is None for _, problem in found.values())


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(garbage=st.binary(max_size=300), size=st.integers(1, 64))
def test_any_bytes_become_records_or_rejects_and_the_rows_around_them_stay(garbage, size):
    hypothesis.assume(b'"' not in garbage)
    data = f"{HEAD}\n{GOOD}\n".encode() + garbage + f"\n{GOOD}\n".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records_module, "PIECE_BYTES", size)
        found = list(read(data, encoding="utf-8").values())
    assert found[0] == found[-1] == good()

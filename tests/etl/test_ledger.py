"""What publishing does to the ledger: once, in one moment, and only what is new."""

import threading
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.errors import ConflictError
from data.make_transactions import write
from models import ledger
from tasks.etl import survey
from tasks.etl.stages import load as load_module
from tasks.etl.stages.load import load
from tasks.etl.stages.publish import publish
from tasks.etl.stages.spool import survey_of
from tasks.etl.stages.transform import transform
from tests.etl.loading import Loader, line

LONG = "cbf1c8b09cd5b549416d49d220a40cbd317f952e"


@pytest.fixture
def loader(db, tmp_path):
    yield Loader(db, tmp_path)
    with db.transaction() as connection:  # large loads stay where they were staged
        connection.execute(text("DROP SCHEMA etl_loads CASCADE"))
        connection.execute(text("CREATE SCHEMA etl_loads"))


@pytest.fixture(params=["rows are inserted", "tables are swapped"])
def either_way(request, monkeypatch):
    """Small and big loads take different ways into the ledger; both must end alike."""
    if request.param == "tables are swapped":
        monkeypatch.setattr(ledger, "SMALL", 0)


@pytest.mark.usefixtures("either_way")
def test_the_same_file_twice_changes_nothing(loader):
    path = loader.file(line("a"), line("b", amount="x"), line("a"))
    first = loader.run(path)
    assert (first.raw_rows, first.charges_added, first.rows_rejected, first.rows_known) == (3, 1, 2, 0)
    assert loader.run(path).id == first.id
    assert loader.counts() == (3, 1, 2)
    loader.assert_balanced()


@pytest.mark.usefixtures("either_way")
def test_a_mended_file_adds_only_what_is_new(loader):
    loader.run(loader.file(line("a"), line("b", amount="x"), line("c"), line("c"), line("d", status="?")))
    assert loader.counts() == (5, 2, 3)
    mended = loader.run(
        loader.file(line("a"), line("b", amount="2"), line("c"), line("c"), line("d", status="?"), line("e"))
    )
    assert (mended.raw_rows, mended.charges_added, mended.rows_rejected, mended.rows_known) == (2, 2, 0, 4)
    assert loader.counts() == (7, 4, 3)
    loader.assert_balanced()


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("hung", "found", "taken_down"),
    [
        ("CREATE VIEW theirs AS SELECT id FROM charges", "SELECT FROM theirs WHERE id = 'c'", "DROP VIEW theirs"),
        (
            "CREATE VIEW theirs AS SELECT transaction_count FROM daily_transactions",
            "SELECT FROM theirs WHERE transaction_count = 3",
            "DROP VIEW theirs",
        ),
        (
            "CREATE VIEW theirs AS SELECT transaction_count FROM daily_transaction_summary",
            "SELECT FROM theirs WHERE transaction_count = 3",
            "DROP VIEW theirs",
        ),
        (
            "CREATE INDEX theirs ON companies (company_name)",
            "SELECT FROM pg_indexes WHERE indexname = 'theirs' AND tablename = 'companies'",
            "DROP INDEX theirs",
        ),
        (
            "GRANT SELECT ON companies TO PUBLIC",
            "SELECT FROM pg_class, aclexplode(relacl) WHERE oid = 'companies'::regclass AND grantee = 0",
            "REVOKE ALL ON companies FROM PUBLIC",
        ),
        (
            "CREATE INDEX theirs ON charges (company_id)",
            "SELECT FROM pg_indexes WHERE indexname = 'theirs' AND tablename = 'charges'",
            "DROP INDEX theirs",
        ),
        (
            "CREATE TABLE theirs (charge varchar(24) REFERENCES charges)",
            "SELECT FROM pg_constraint WHERE confrelid = 'charges'::regclass",
            "DROP TABLE theirs",
        ),
        (
            "CREATE TRIGGER theirs AFTER TRUNCATE ON charges EXECUTE FUNCTION keep_daily_transactions()",
            "SELECT FROM pg_trigger WHERE tgrelid = 'charges'::regclass AND tgname = 'theirs'",
            "DROP TRIGGER theirs ON charges",
        ),
        (
            "GRANT SELECT ON charges TO PUBLIC",
            "SELECT FROM pg_class, aclexplode(relacl) WHERE oid = 'charges'::regclass AND grantee = 0",
            "REVOKE ALL ON charges FROM PUBLIC",
        ),
    ],
    ids=[
        "a view",
        "a view of sums",
        "a view of the report",
        "an index of companies",
        "grants of companies",
        "an index",
        "a foreign key",
        "a trigger",
        "grants",
    ],
)
def test_what_people_hung_on_the_ledger_outlives_a_load(loader, db, hung, found, taken_down):
    loader.run(loader.file(line("a")))
    with db.transaction() as connection:
        connection.execute(text(hung))
    try:
        loader.run(loader.file(line("b"), line("c"), line("d", amount="x")))
        assert loader.all("SELECT id FROM charges ORDER BY id") == [("a",), ("b",), ("c",)]
        assert loader.all(found) == [()]
    finally:
        with db.transaction() as connection:
            connection.execute(text(taken_down))


@pytest.mark.usefixtures("either_way")
def test_a_charge_is_never_overwritten(loader):
    loader.run(loader.file(line("a", amount="1.00")))
    again = loader.run(loader.file(line("b"), line("a", amount="1.01")))
    assert (again.charges_added, again.rows_rejected) == (1, 1)
    assert loader.reasons() == {3: {"id_taken"}}
    assert loader.all("SELECT amount FROM charges WHERE id = 'a'") == [(Decimal("1.00"),)]
    loader.assert_balanced()


def test_the_same_charge_written_otherwise_is_known(loader):
    loader.run(loader.file(line("a", amount="1.00", created="2024-01-01", paid="2024-01-02")))
    again = loader.run(loader.file(line(" a ", amount="1", status="PAID", created="20240101", paid="2 Jan 2024")))
    assert (again.raw_rows, again.rows_known) == (0, 1)
    assert loader.counts() == (1, 1, 0)


@pytest.mark.usefixtures("either_way")
def test_a_longer_id_with_the_same_24_characters_is_not_the_same_charge(loader):
    loader.run(loader.file(line(LONG)))
    assert loader.run(loader.file(line(LONG), line("z"))).rows_known == 1
    other = loader.run(loader.file(line(LONG[:30])))
    assert (other.charges_added, other.rows_rejected) == (0, 1)
    loader.assert_balanced()


def test_a_longer_company_id_with_the_same_24_characters_is_not_the_same_company(loader):
    loader.run(loader.file(line("a", company=LONG)))
    other = loader.run(loader.file(line("b", company=LONG[:30]), line("c", company=LONG), line("d", company=LONG)))
    assert (other.charges_added, other.rows_rejected) == (2, 1)
    assert loader.run(loader.file(line("e", company=LONG[:30]))).rows_rejected == 1
    assert loader.reasons() == {2: {"company_id_collision"}}
    loader.assert_balanced()


def test_a_reject_that_is_sent_again_as_it_was_is_known(loader):
    loader.run(loader.file(line("a", amount="x")))
    again = loader.run(loader.file(line("b"), line("a", amount="x")))
    assert (again.raw_rows, again.rows_known) == (1, 1)
    assert loader.counts() == (2, 1, 1)


def test_repair_is_applied_and_counted_or_refused(loader):
    rows = [line("a"), line("b", name="Ac0xFFFF"), line("c", company="****"), line("d")]
    loader.run(loader.file(*rows), repair=False)
    assert loader.reasons() == {3: {"company_name_differs"}, 4: {"company_id_masked"}}
    repaired = loader.run(loader.file(*rows, line("e")))
    assert repaired.stages["transform"]["notes"] == {"company_id_repaired": 1, "company_name_repaired": 1}
    assert loader.all("SELECT company_id, company_name FROM companies") == [("c1", "Acme")]
    loader.assert_balanced()


def test_columns_that_are_not_used_are_named(loader):
    path = loader.folder / "more.csv"
    path.write_text("extra,id,name,company_id,amount,status,created_at,paid_at\nx," + line("a") + "\n")
    assert loader.run(path).stages["load"]["columns_unused"] == ["extra"]


def test_every_raw_row_is_kept_verbatim(loader):
    strange = line("  a\\t\\N", name='"q""uo\nted"', company="=c1", amount=" 1e0 ")
    loader.run(loader.file(strange, "short,row"))
    raw = loader.all("SELECT line, id, name, company_id, amount, problem, record FROM raw_transactions ORDER BY line")
    assert raw[0] == (2, "  a\\t\\N", 'q"uo\nted', "=c1", " 1e0 ", None, None)
    assert raw[1][:2] == (4, "short")
    assert (raw[1][5], bytes(raw[1][6])) == ("too_few_fields", b"short,row")


def test_a_load_goes_on_after_a_crash_where_it_stood(loader, monkeypatch):
    monkeypatch.setattr(load_module, "CHUNK_BYTES", 1)
    monkeypatch.setattr("tasks.etl.records.PIECE_BYTES", 200)
    path = loader.file(*(line(f"row{number}") for number in range(50)))
    run = loader.open(path)
    calls = []

    def crash(done, *_, **__):
        calls.append(done)
        if len(calls) == 4:
            raise RuntimeError("killed")

    place = loader.place.__class__(loader.db, loader.place.folder, crash)
    with pytest.raises(RuntimeError, match="killed"):
        load(place, run, path)
    assert loader.counts() == (0, 0, 0)
    before = loader.open(path)
    assert 0 < before.stages["load"]["rows"] < 50
    done = loader.run(path)
    assert done.stages["load"]["rows"] == 50
    assert loader.counts() == (50, 50, 0)


@pytest.mark.parametrize("lost", ["parquet", "survey"])
def test_a_lost_spool_or_survey_is_made_again_from_the_raw_rows(loader, lost):
    path = loader.file(line("a", name='"x\ny"'), "short", line("b"))
    run = loader.open(path)
    load(loader.place, run, path)
    loader.place.spool_of(run.id).with_suffix(f".{lost}").unlink()
    assert loader.run(path).charges_added == 2
    loader.assert_balanced()


def test_a_spool_from_before_the_machine_started_again_is_not_trusted(loader, monkeypatch, tmp_path):
    path = loader.file(line("a"), line("b"))
    run = loader.open(path)
    load(loader.place, run, path)
    spool = loader.place.spool_of(run.id)
    spool.write_bytes(bytes(spool.stat().st_size))  # as a file may look whose pages had not reached the disk
    (tmp_path / "boot_id").write_text("another start\n")
    monkeypatch.setattr(survey, "_BOOT", tmp_path / "boot_id")
    assert loader.run(path).charges_added == 2
    loader.assert_balanced()


def test_a_torn_survey_is_made_again(loader):
    path = loader.file(line("a"), line("b"))
    run = loader.open(path)
    load(loader.place, run, path)
    survey_of(loader.place.spool_of(run.id)).write_bytes(b"torn" * 1_000)
    assert loader.run(path).charges_added == 2
    loader.assert_balanced()


def test_stages_out_of_turn_say_what_comes_first(loader):
    run = loader.open(loader.file(line("a")))
    with pytest.raises(ConflictError, match="not loaded yet"):
        transform(loader.place, run)
    with loader.db.transaction() as connection, pytest.raises(ConflictError, match="not transformed yet"):
        publish(loader.place, run, connection)


@pytest.mark.usefixtures("either_way")
def test_a_publish_that_is_rolled_back_leaves_no_trace(loader):
    loader.run(loader.file(line("a")))
    path = loader.file(line("b"), line("c", amount="x"))
    run = loader.open(path)
    load(loader.place, run, path)
    transform(loader.place, loader.open(path))
    before = loader.counts()
    with loader.db.transaction() as connection:
        publish(loader.place, loader.open(path), connection)
        connection.rollback()
    assert loader.counts() == before
    loader.assert_balanced()
    loader.run(path)
    assert loader.counts() == (3, 2, 1)
    loader.assert_balanced()


@pytest.mark.parametrize(
    "counted",
    [
        "SELECT (SELECT count(*) FROM charges), sum(transaction_count) FROM daily_transactions",
        "SELECT (SELECT count(*) FROM charges), sum(transaction_count) FROM daily_transaction_summary",
        (
            "SELECT (SELECT sum(transaction_count) FROM daily_transaction_summary), count(*)"
            " FROM companies JOIN charges USING (company_id)"
        ),
    ],
)
def test_readers_see_the_old_state_or_the_new_one(loader, monkeypatch, counted):
    monkeypatch.setattr(ledger, "SMALL", 0)
    sizes = [1, 50, 100, 200, 400, 800]
    seen, errors, stop = set(), [], threading.Event()

    def read():
        while not stop.is_set():
            try:
                seen.add(loader.all(counted)[0])
            except Exception as error:
                errors.append(error)
                raise

    readers = [threading.Thread(target=read) for _ in range(2)]
    for number, size in enumerate(sizes):
        path = loader.file(*(line(f"{number}-{each}", company=f"c{each % 40}") for each in range(size)))
        run = loader.open(path)
        load(loader.place, run, path)
        transform(loader.place, loader.open(path))
        with loader.db.transaction() as connection:
            publish(loader.place, loader.open(path), connection)
        if number == 0:
            for reader in readers:
                reader.start()
    stop.set()
    for reader in readers:
        reader.join()
    states = {(sum(sizes[: number + 1]),) * 2 for number in range(len(sizes))}
    assert errors == []
    assert seen <= states
    loader.assert_balanced()


def test_a_big_load_keeps_keys_sums_and_triggers(loader, tmp_path):
    path = tmp_path / "big.csv"
    write(path, 60_000, dirt=0.05, seed=3)
    run = loader.run(path)
    assert run.charges_added > ledger.SMALL
    loader.assert_balanced()
    with loader.db.transaction() as connection, pytest.raises(IntegrityError):
        connection.execute(text("INSERT INTO charges SELECT * FROM charges LIMIT 1"))
    with loader.db.transaction() as connection, pytest.raises(IntegrityError):
        connection.execute(text("UPDATE charges SET company_id = 'nobody'"))
    with loader.db.transaction() as connection:
        connection.execute(text("DELETE FROM charges WHERE id < '8'"))
        connection.execute(text("UPDATE charges SET amount = 1, status = 'paid' WHERE id < 'a'"))
    raw, charges, rejects = loader.counts()
    assert raw == 60_000 > charges + rejects
    kept = loader.all("SELECT sum(total_amount), sum(transaction_count) FROM daily_transactions")
    assert kept == loader.all("SELECT sum(amount), count(*) FROM charges WHERE status IN ('paid', 'refunded')")
    with loader.db.transaction() as connection:
        connection.execute(text("TRUNCATE charges"))
    assert loader.all("SELECT count(*) FROM daily_transactions") == [(0,)]


def test_the_view_shows_paid_and_refunded_newest_day_first_then_highest_total(loader):
    loader.run(
        loader.file(
            line("a", amount="1.10"),
            line("b", amount="2.20", status="refunded"),
            line("c", company="c2", name="Béta", amount="9"),
            line("d", created="2024-01-02"),
            line("e", status="voided"),
        )
    )
    assert [(str(r[0]), *r[1:]) for r in loader.all("SELECT * FROM daily_transaction_summary")] == [
        ("2024-01-02", "Acme", "c1", Decimal("1.00"), 1),
        ("2024-01-01", "Béta", "c2", Decimal("9.00"), 1),
        ("2024-01-01", "Acme", "c1", Decimal("3.30"), 2),
    ]

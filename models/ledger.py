"""Publish a judged load: everything of it shows in one moment, or nothing does."""

# ruff: noqa: S608 - table names come from Staging, which builds them from integers

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, text

from models.etl_staging import Staging
from models.ledger_swap import Swap
from models.raw_transaction import TEXT_COLUMNS

SMALL = 50_000  # so few rows are inserted where they belong; more are attached or swapped in whole
# Why a record is none: what could be read of its fields says nothing reliable.
BROKEN = ("too_few_fields", "too_many_fields", "quote_not_closed", "nul_byte", "bad_encoding")
BLANKS = " \t\r\n\v\f\u00a0\ufeff"
_TEXTS = ", ".join(TEXT_COLUMNS)
_CHARGE = "id, company_id, amount, status, created_at, updated_at"
PUBLISH_LOCK = 0x4C454447  # "LEDG": loads are made side by side and published one after the other


@dataclass(frozen=True)
class StagedRows:
    """What is known of the staged tables, so that they need not be counted again."""

    raw: int = 0
    charges: int = 0
    is_summed: bool = False  # its daily sums are staged as well, and only companies with charges
    are_rejects: bool = False  # rows that were rejected before, to be judged again as they were mended


Wait = Callable[[], None]  # called while waiting; it may raise


@dataclass(frozen=True)
class Published:
    """What publishing a load did to the ledger."""

    charges_added: int
    rows_rejected: int
    rows_known: int
    raw_rows: int
    companies_added: int
    is_swapped: bool
    reasons: dict[str, int]  # of the rejects that are new


@dataclass(frozen=True)
class Preview:
    """What publishing a load would find there: known charges, taken ids or companies, known rejects, and new ones."""

    known: int
    taken: int
    known_rejects: int
    reasons: dict[str, int]


def try_lock_ledger(connection: Connection) -> bool:
    """Be the only publisher until the transaction ends."""
    return bool(connection.execute(text(f"SELECT pg_try_advisory_xact_lock({PUBLISH_LOCK})")).scalar())


class Publication:
    """Moves one staged load into the ledger, within the caller's transaction and under the ledger's lock."""

    def __init__(self, connection: Connection, load_id: int, wait: Wait, staged: StagedRows) -> None:
        self._run = connection
        self._staged = Staging(load_id)
        self._wait = wait
        self._rows = staged
        self._removed = 0  # charges that were staged and are known or refused
        self._swap = Swap(connection, wait)

    def publish(self) -> Published:
        # Writers wait until we commit: what is compared below must not change. Readers go on.
        self._do("LOCK TABLE charges IN SHARE ROW EXCLUSIVE MODE")
        self._do("SET LOCAL maintenance_work_mem = '384MB'")  # the key of five million charges sorts in memory
        self._do("SET LOCAL work_mem = '64MB'")  # else a million companies are hashed and sorted in files
        self._do("CREATE TEMP TABLE etl_known (line bigint PRIMARY KEY) ON COMMIT DROP")
        has_charges = self._has_rows("charges")
        if has_charges:
            self._move_taken()
        if self._has_rows("rejected_transactions"):
            self._forget_known_rejects()
            self._forget_broken_records()
        known = self._count("SELECT count(*) FROM etl_known")
        if known:
            self._remove("etl_known")
            self._do(f"DELETE FROM {self._staged.raw} WHERE line IN (SELECT line FROM etl_known)")
        added = self._rows.charges - self._removed
        is_swapped = self._is_worth_swapping("charges", added)
        companies = self._add_companies(is_swapped=is_swapped)
        if is_swapped:
            self._swap_charges(has_charges=has_charges)
        else:
            self._do(f"INSERT INTO charges ({_CHARGE}) SELECT {_CHARGE} FROM {self._staged.charges} ORDER BY id")
        rejected = self._do(
            f"INSERT INTO rejected_transactions (load_id, line, {_TEXTS}, reasons, record)"
            f" SELECT load_id, line, {_TEXTS}, reasons, record FROM {self._staged.rejects} ORDER BY line"
        )
        reasons = self._reasons()
        raw = self._add_raw(self._rows.raw - known)
        self._staged.drop_judged(self._run)
        return Published(added, rejected, known, raw, companies, is_swapped, reasons)

    def preview(self) -> Preview:
        """What publishing would find in the ledger."""
        self._do("CREATE TEMP TABLE etl_known (line bigint PRIMARY KEY) ON COMMIT DROP")
        self._move_taken()
        self._forget_broken_records()
        known = self._count("SELECT count(*) FROM etl_known")
        refused = self._run.execute(text("SELECT reason, count(DISTINCT line) FROM etl_refused GROUP BY 1"))
        taken = self._count("SELECT count(DISTINCT line) FROM etl_refused")
        self._do(f"DELETE FROM {self._staged.rejects} WHERE line IN (SELECT line FROM etl_refused)")  # counted above
        self._forget_known_rejects()
        reasons = Counter(self._reasons()) + Counter({row[0]: int(row[1]) for row in refused})
        return Preview(known, taken, self._count("SELECT count(*) FROM etl_known") - known, dict(reasons))

    def _move_taken(self) -> None:
        """Charges whose id or company the ledger has: the same again is known, anything else a reject."""
        self._do("CREATE TEMP TABLE etl_refused (line bigint, reason text) ON COMMIT DROP")
        self._do(
            "INSERT INTO etl_refused SELECT staged.line, 'company_id_collision'"
            f" FROM {self._staged.companies} AS new JOIN companies AS old USING (company_id)"
            f" JOIN {self._staged.charges} AS staged USING (company_id)"
            " WHERE new.full_id <> coalesce(old.full_id, old.company_id)"
        )
        self._do(
            "CREATE TEMP TABLE etl_met ON COMMIT DROP AS SELECT staged.line, (staged.company_id, staged.amount,"
            " staged.status, staged.created_at) = (old.company_id, old.amount, old.status, old.created_at)"
            " AND staged.updated_at IS NOT DISTINCT FROM old.updated_at AS is_same"
            f" FROM {self._staged.charges} AS staged JOIN charges AS old USING (id)"
        )
        if self._count("SELECT count(*) FROM etl_met"):
            self._unmask_long_ids()
        self._do("INSERT INTO etl_refused SELECT line, 'id_taken' FROM etl_met WHERE NOT is_same")
        self._do(
            "INSERT INTO etl_known SELECT line FROM etl_met WHERE is_same"
            " AND line NOT IN (SELECT line FROM etl_refused)"
        )
        self._do(
            f"INSERT INTO {self._staged.rejects} (line, {_TEXTS}, reasons)"
            f" SELECT line, {_TEXTS}, reasons FROM {self._staged.raw} JOIN"
            " (SELECT line, array_agg(reason ORDER BY reason) AS reasons FROM etl_refused GROUP BY line) AS refused"
            " USING (line)"
        )
        self._remove("etl_refused")

    def _remove(self, lines: str) -> None:
        self._removed += self._do(f"DELETE FROM {self._staged.charges} WHERE line IN (SELECT line FROM {lines})")

    def _unmask_long_ids(self) -> None:
        """Charges keep 24 characters: whether a longer id is the same one, only the raw rows can tell."""
        self._do(
            "UPDATE etl_met SET is_same = false WHERE is_same AND line IN"
            f" (SELECT new.line FROM {self._staged.raw} AS new WHERE length(btrim(new.id, :blanks)) > 24 AND NOT EXISTS"
            " (SELECT FROM raw_transactions AS old WHERE old.load_id <> :load_id"
            " AND btrim(old.id, :blanks) = btrim(new.id, :blanks)))",
            blanks=BLANKS,
            load_id=self._staged.load_id,
        )

    def _forget_known_rejects(self) -> None:
        """A record that was rejected before, letter for letter, is not rejected a second time."""
        same = " AND ".join(f"coalesce(staged.{c}, '') = coalesce(old.{c}, '')" for c in TEXT_COLUMNS)
        self._do(
            f"WITH gone AS (DELETE FROM {self._staged.rejects} AS staged USING rejected_transactions AS old"
            f" WHERE {same} RETURNING staged.line)"
            " INSERT INTO etl_known SELECT DISTINCT line FROM gone ON CONFLICT DO NOTHING"
        )

    def _forget_broken_records(self) -> None:
        """A record whose form was broken left only what could be read of it: unchanged, that is still no charge."""
        if not self._rows.are_rejects:
            return
        same = " AND ".join(f"coalesce(new.{c}, '') = coalesce(old.{c}, '')" for c in TEXT_COLUMNS)
        self._do(
            f"INSERT INTO etl_known SELECT DISTINCT new.line FROM {self._staged.raw} AS new"
            f" JOIN {self._staged.charges} AS staged USING (line) JOIN rejected_transactions AS old ON {same}"
            " WHERE old.load_id <> :load_id AND old.reasons && :broken ON CONFLICT DO NOTHING",
            load_id=self._staged.load_id,
            broken=list(BROKEN),
        )

    def _reasons(self) -> dict[str, int]:
        """Of the rejects that are staged, and so new."""
        each = f"SELECT unnest(reasons) AS reason FROM {self._staged.rejects}"
        rows = self._run.execute(text(f"SELECT reason, count(*) FROM ({each}) AS each GROUP BY 1 ORDER BY 1"))
        return {row[0]: int(row[1]) for row in rows}

    def _is_worth_swapping(self, table: str, added: int) -> bool:
        """Keys are built much faster than they grow; but what people hung on the table must stay."""
        is_large = added > SMALL and 2 * added >= self._count(f"SELECT count(*) FROM {table}")
        return is_large and self._swap.may_replace(table)

    def _add_companies(self, *, is_swapped: bool) -> int:
        """Those that charges refer to; a name that the ledger has is kept."""
        only = f"company_id IN (SELECT company_id FROM {self._staged.charges})"
        if self._rows.is_summed and not self._removed:
            only = "true"
        new = (
            f"(company_id, company_name, full_id) SELECT company_id, company_name, full_id"
            f" FROM {self._staged.companies} AS new WHERE {only}"
        )
        staged = self._count(f"SELECT count(*) FROM {self._staged.companies}")
        if not (is_swapped and self._is_worth_swapping("companies", staged)):
            return self._do(f"INSERT INTO companies {new} ORDER BY company_id ON CONFLICT (company_id) DO NOTHING")
        aside = self._staged.aside("companies")
        self._do(f"CREATE TABLE {aside} (LIKE companies INCLUDING DEFAULTS)")
        self._do(f"INSERT INTO {aside} SELECT * FROM companies")
        added = self._do(
            f"INSERT INTO {aside} {new} AND NOT EXISTS (SELECT FROM companies AS old"
            " WHERE old.company_id = new.company_id)"
        )
        self._do(f"ALTER TABLE {aside} ADD CONSTRAINT pk_companies PRIMARY KEY (company_id)")
        self._do(f"ANALYZE {aside}")
        self._swap.put(aside, "companies")
        return added

    def _swap_charges(self, *, has_charges: bool) -> None:
        """Build the whole new table aside, keys last, and put it in the place of the old one."""
        staged = self._staged.charges
        sums = self._staged.sums
        if not self._rows.is_summed or self._removed:
            sums = "etl_sums"
            self._do(
                "CREATE TEMP TABLE etl_sums ON COMMIT DROP AS SELECT created_at::date AS day, company_id,"
                f" sum(amount) AS total, count(*) AS rows FROM {staged}"
                " WHERE status IN ('paid', 'refunded') GROUP BY 1, 2"
            )
        self._do(f"ALTER TABLE {staged} DROP COLUMN line")
        if has_charges:
            self._do(f"INSERT INTO {staged} ({_CHARGE}) SELECT {_CHARGE} FROM charges")
        self._do(f"ALTER TABLE {staged} ADD CONSTRAINT pk_charges PRIMARY KEY (id)")
        self._do(
            f"ALTER TABLE {staged} ADD CONSTRAINT fk_charges_company_id"
            f" FOREIGN KEY (company_id) REFERENCES {self._swap.now('companies')} (company_id)"
        )
        self._do(f"ANALYZE {staged}")
        self._add_sums(sums)
        self._swap.put(staged, "charges")
        self._swap.finish()
        self._do("SELECT watch_charges('charges')")

    def _add_sums(self, sums: str) -> None:
        into = "(transaction_date, company_id, total_amount, transaction_count) SELECT"
        if not self._is_worth_swapping("daily_transactions", self._count(f"SELECT count(*) FROM {sums}")):
            self._do(
                f"INSERT INTO daily_transactions AS kept {into} day, company_id, total, rows FROM {sums}"
                " ORDER BY day, company_id ON CONFLICT (transaction_date, company_id) DO UPDATE"
                " SET total_amount = kept.total_amount + excluded.total_amount,"
                " transaction_count = kept.transaction_count + excluded.transaction_count"
            )
            return
        aside = self._staged.aside("daily_transactions")
        self._do(f"CREATE TABLE {aside} (LIKE daily_transactions)")
        self._do(
            f"INSERT INTO {aside} {into} day, company_id, sum(total), sum(rows) FROM"
            f" (SELECT day, company_id, total, rows FROM {sums} UNION ALL"
            " SELECT transaction_date, company_id, total_amount, transaction_count FROM daily_transactions) AS parts"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        )
        self._do(f"ALTER TABLE {aside} ADD CONSTRAINT pk_daily_transactions PRIMARY KEY (transaction_date, company_id)")
        shown = "transaction_date DESC, total_amount DESC, company_id"
        self._do(f"CREATE INDEX ix_daily_transactions_shown ON {aside} ({shown})")
        self._do(f"ANALYZE {aside}")
        self._swap.put(aside, "daily_transactions")

    def _add_raw(self, rows: int) -> int:
        """Big loads stay where they are and only join the family; small ones move in with the others."""
        if rows > SMALL:
            self._staged.show_raw(self._run)
            return rows
        raw = self._staged.raw
        if self._staged.is_shown(self._run):
            self._do(f"ALTER TABLE {raw} NO INHERIT raw_transactions")
        columns = f"load_id, line, {_TEXTS}, problem, record"
        self._do(f"INSERT INTO raw_transactions ({columns}) SELECT {columns} FROM {raw} ORDER BY line")
        self._do(f"DROP TABLE {raw} CASCADE")
        return rows

    def _do(self, statement: str, **values: object) -> int:
        return self._run.execute(text(statement), values).rowcount

    def _has_rows(self, table: str) -> bool:
        return self._run.execute(text(f"SELECT FROM {table} LIMIT 1")).first() is not None

    def _count(self, statement: str) -> int:
        return int(self._run.execute(text(statement)).scalar_one())

"""Tables of the ledger that are built aside, keys last, and take the place of the old ones in one moment."""

# ruff: noqa: S608 - table names are constants, or come from Staging, which builds them from integers

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from models.etl_staging import release

_LOCK_NOT_AVAILABLE = "55P03"
_SUMMARY = "daily_transaction_summary"
_SUMMED_UP = (
    "SELECT kept.transaction_date, companies.company_name, kept.company_id, kept.total_amount, kept.transaction_count"
    " FROM {sums} AS kept JOIN {companies} AS companies USING (company_id)"
    " ORDER BY kept.transaction_date DESC, kept.total_amount DESC, kept.company_id"
)
# Everything that depends on a table but belongs to the ledger itself: it is made again with the new tables.
_HUNG_ON = rf"""
SELECT (SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_class'::regclass AND refobjid = hung.oid
           AND deptype = 'n'
           AND NOT (classid = 'pg_rewrite'::regclass
                    AND objid IN (SELECT oid FROM pg_rewrite WHERE ev_class = '{_SUMMARY}'::regclass))
           AND NOT (classid = 'pg_constraint'::regclass
                    AND objid IN (SELECT oid FROM pg_constraint WHERE conrelid = 'charges'::regclass)))
     + (SELECT count(*) FROM pg_class AS index JOIN pg_index ON indexrelid = index.oid
         WHERE indrelid = hung.oid AND NOT indisprimary AND index.relname <> 'ix_daily_transactions_shown')
     + (SELECT count(*) FROM pg_trigger WHERE tgrelid = hung.oid AND NOT tgisinternal
           AND tgname NOT LIKE 'keep\_sums\_%')
     + (SELECT count(*) FROM pg_policy WHERE polrelid = hung.oid)
     + (SELECT count(*) FROM pg_attribute WHERE attrelid = hung.oid AND attacl IS NOT NULL)
  FROM pg_class AS hung WHERE hung.oid = to_regclass(:table)
"""
_GRANTED = (
    "SELECT privilege_type || ' ON ' || :aside || ' TO '"
    " || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END"
    " || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END"
    " FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass(:table) AND grantee <> relowner"
)


class Swap:
    """New tables beside old ones: `put` them one after the other, then `finish`."""

    def __init__(self, connection: Connection, wait: Callable[[], None]) -> None:
        self._run = connection
        self._wait = wait
        self._aside: dict[str, str] = {}

    def may_replace(self, table: str) -> bool:
        """Whether nothing of what people hung on it would be lost with the old one: views, keys, indexes, triggers."""
        return not self._run.execute(text(_HUNG_ON), {"table": table}).scalar_one()

    def put(self, aside: str, table: str) -> None:
        """Whoever may read the old table may read the new one."""
        for (each,) in self._run.execute(text(_GRANTED), {"aside": aside, "table": table}).all():
            self._do(f"GRANT {each}")
        self._aside[table] = aside

    def now(self, table: str) -> str:
        """Where the rows of a table are: aside, or where they always were."""
        return self._aside.get(table, table)

    def finish(self) -> None:
        self._lock_out_readers()
        if self._aside.keys() & {"companies", "daily_transactions"}:
            query = _SUMMED_UP.format(sums=self.now("daily_transactions"), companies=self.now("companies"))
            self._do(f"CREATE OR REPLACE VIEW {_SUMMARY} AS {query}")
        for table in sorted(self._aside, key="charges".__ne__):  # they refer to companies
            self._do(f"DROP TABLE {table}")
        for table, aside in self._aside.items():
            self._do(f"ALTER TABLE {aside} SET SCHEMA public")
            self._do(f"ALTER TABLE {aside.partition('.')[2]} RENAME TO {table}")
            release(self._run, table)

    def _lock_out_readers(self) -> None:
        """Wait for long readers in short turns: whoever comes while we wait must not queue behind us for long."""
        # The view as well, and its tables with it: who has it open already knows them by number, not by name.
        tables = f"{_SUMMARY}, charges" if len(self._aside) > 1 else "charges"
        while True:
            self._do("SAVEPOINT before_lock")
            try:
                self._do("SET LOCAL lock_timeout = '500ms'")
                self._do(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
            except OperationalError as error:
                if getattr(error.orig, "pgcode", None) != _LOCK_NOT_AVAILABLE:
                    raise
                self._do("ROLLBACK TO SAVEPOINT before_lock")
                self._wait()
            else:
                self._do("SET LOCAL lock_timeout = 0")
                return

    def _do(self, statement: str) -> None:
        self._run.execute(text(statement))

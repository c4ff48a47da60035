"""The tables of one load before it is published: nobody but its own run sees them."""

# Table names carry the load's number, so statements are put together here; every part of them is an integer or a
# constant of this module.

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from models.raw_transaction import TEXT_COLUMNS

SCHEMA = "etl_loads"
_TEXTS = ", ".join(TEXT_COLUMNS)
_DELIMITERS = {"\t": "E'\\t'"}
# Until it is published nobody asks for its rows: counting them would only take a core from the next stage.
_ALONE = "WITH (autovacuum_enabled = false)"


@dataclass(frozen=True)
class Staging:
    """The staged tables of a load, by name."""

    load_id: int

    @property
    def raw(self) -> str:
        return f"{SCHEMA}.raw_{int(self.load_id)}"

    @property
    def charges(self) -> str:
        return f"{SCHEMA}.charges_{int(self.load_id)}"

    @property
    def rejects(self) -> str:
        return f"{SCHEMA}.rejects_{int(self.load_id)}"

    @property
    def companies(self) -> str:
        return f"{SCHEMA}.companies_{int(self.load_id)}"

    @property
    def sums(self) -> str:
        return f"{SCHEMA}.sums_{int(self.load_id)}"

    def aside(self, table: str) -> str:
        """Where a whole new table of the ledger is built."""
        return f"{SCHEMA}.new_{table}_{int(self.load_id)}"

    def chunk(self, number: int) -> str:
        return f"{self.raw}_{int(number)}"

    def create_raw(self, connection: Connection) -> None:
        """The parent of the load's chunks; it holds no rows itself."""
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS {self.raw} (LIKE raw_transactions)"))

    def create_chunk(self, connection: Connection, number: int) -> str:
        """A table for the next rows. Filled in the transaction that makes it, it needs no write-ahead log."""
        name = self.chunk(number)
        connection.execute(
            text(
                f"CREATE TABLE {name} (LIKE {self.raw}, CHECK (load_id = {int(self.load_id)}))"
                f" INHERITS ({self.raw}) {_ALONE}"
            )
        )
        connection.execute(text(f"ALTER TABLE {name} ALTER load_id SET DEFAULT {int(self.load_id)}"))
        return name

    def create_judged(self, connection: Connection) -> None:
        """Empty tables for what transform makes; what an earlier attempt left is dropped."""
        self.drop_judged(connection)
        connection.execute(
            text(
                f"CREATE TABLE {self.charges} (line bigint NOT NULL,"
                ' id varchar(24) COLLATE "C" NOT NULL, company_id varchar(24) COLLATE "C" NOT NULL,'
                ' amount numeric(16,2) NOT NULL, status varchar(30) COLLATE "C" NOT NULL,'
                f" created_at timestamp NOT NULL, updated_at timestamp) {_ALONE}"
            )
        )
        connection.execute(text(f"CREATE TABLE {self.rejects} (LIKE rejected_transactions) {_ALONE}"))
        connection.execute(text(f"ALTER TABLE {self.rejects} ALTER load_id SET DEFAULT {int(self.load_id)}"))
        connection.execute(
            text(
                f'CREATE TABLE {self.companies} (company_id varchar(24) COLLATE "C" NOT NULL,'
                f" company_name varchar(130) NOT NULL, full_id text) {_ALONE}"
            )
        )

        connection.execute(
            text(
                f'CREATE TABLE {self.sums} (day date NOT NULL, company_id varchar(24) COLLATE "C" NOT NULL,'
                f" total numeric NOT NULL, rows bigint NOT NULL) {_ALONE}"
            )
        )

    def drop_judged(self, connection: Connection) -> None:
        for name in (self.charges, self.rejects, self.companies, self.sums):
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))

    def drop(self, connection: Connection) -> None:
        """Forget everything that is staged; published rows have left by then."""
        self.drop_judged(connection)
        connection.execute(text(f"DROP TABLE IF EXISTS {self.raw} CASCADE"))

    def extent(self, connection: Connection) -> tuple[int, int]:
        """How many tables are staged, and their bytes."""
        statement = text(
            "SELECT count(*), coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class"
            " WHERE relnamespace = to_regnamespace(:schema) AND relkind = 'r' AND relname ~ :names"
        )
        names = rf"^((charges|rejects|companies|sums)_{int(self.load_id)}|raw_{int(self.load_id)}(_\d+)?)$"
        tables, size = connection.execute(statement, {"schema": SCHEMA, "names": names}).one()
        return tables, int(size)

    def is_shown(self, connection: Connection) -> bool:
        """Whether the raw rows belong to raw_transactions already."""
        statement = text(
            "SELECT FROM pg_inherits WHERE inhrelid = to_regclass(:name) AND inhparent = 'raw_transactions'::regclass"
        )
        return connection.execute(statement, {"name": self.raw}).first() is not None

    def show_raw(self, connection: Connection) -> None:
        """Let the raw rows show before they are judged: for people who load and look."""
        if self.is_shown(connection):
            return
        connection.execute(text(f"ALTER TABLE {self.raw} INHERIT raw_transactions"))
        chunks = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:name)")
        for (chunk,) in connection.execute(chunks, {"name": self.raw}).all():
            release(connection, chunk)

    def has_raw(self, connection: Connection) -> bool:
        return connection.execute(text("SELECT to_regclass(:name)"), {"name": self.raw}).scalar() is not None


def release(connection: Connection, table: str) -> None:
    """People will read the table: Postgres may look after it as after any other."""
    connection.execute(text(f"ALTER TABLE {table} RESET (autovacuum_enabled)"))


def write_early(connection: Connection) -> None:
    """Let rows go to the disk while more are copied: the commit would else wait for all of them at once."""
    connection.execute(text("SET LOCAL backend_flush_after = '2MB'"))


def copy_plain(table: str, delimiter: str) -> str:
    """The COPY of sound records."""
    mark = _DELIMITERS.get(delimiter, f"'{delimiter}'")
    return f"COPY {table} (line, {_TEXTS}) FROM STDIN (DELIMITER {mark}, FREEZE)"


def copy_odd(table: str, delimiter: str) -> str:
    """The COPY of records with a problem."""
    mark = _DELIMITERS.get(delimiter, f"'{delimiter}'")
    return f"COPY {table} (line, {_TEXTS}, problem, record) FROM STDIN (DELIMITER {mark}, FREEZE)"


def copy_charges(table: str) -> str:
    columns = "line, id, company_id, amount, created_at, updated_at, status"
    return f"COPY {table} ({columns}) FROM STDIN (FORMAT binary, FREEZE)"


def copy_rejects(table: str) -> str:
    return f"COPY {table} (line, {_TEXTS}, record, reasons) FROM STDIN (FREEZE)"


def copy_companies(table: str) -> str:
    return f"COPY {table} (company_id, company_name, full_id) FROM STDIN (FREEZE)"


def copy_sums(table: str) -> str:
    return f"COPY {table} (day, company_id, total, rows) FROM STDIN (FREEZE)"

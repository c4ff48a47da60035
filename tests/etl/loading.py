"""Run the stages on a real database, without a worker in between."""

from sqlalchemy import text

from core.input_files import InputFile
from models.etl_run import RunStatus
from tasks.etl.fields import COLUMNS
from tasks.etl.settings import RunSettings
from tasks.etl.source import sha256_of
from tasks.etl.stages.hold import known_run, run_of
from tasks.etl.stages.load import load
from tasks.etl.stages.publish import publish
from tasks.etl.stages.transform import transform
from tasks.etl.stages.workplace import Workplace

HEAD = ",".join(COLUMNS)
TABLES = ("raw_transactions", "charges", "rejected_transactions")


def line(id_, *, name="Acme", company="c1", amount="1.00", status="paid", created="2024-01-01", paid="2024-01-02"):
    return f"{id_},{name},{company},{amount},{status},{created},{paid}"


class Loader:
    """Loads texts as files, one run each."""

    def __init__(self, db, folder):
        self.db = db
        self.folder = folder
        self.place = Workplace(db, folder / "etl")
        self.files = 0

    def file(self, *lines):
        self.files += 1
        path = self.folder / f"file{self.files}.csv"
        path.write_text("\n".join([HEAD, *lines]) + "\n")
        return path

    def found(self, path, **settings):
        return InputFile(path.name, sha256_of(path), path.stat().st_size, path), RunSettings(**settings)

    def open(self, path, **settings):
        return run_of(self.db, *self.found(path, **settings), "somebody")

    def run(self, path, **settings):
        """The run as it is after all stages."""
        run = self.open(path, **settings)
        if run.status != RunStatus.PUBLISHED:
            load(self.place, run, path)
            transform(self.place, known_run(self.db, run.id))
            with self.db.transaction() as connection:
                publish(self.place, known_run(self.db, run.id), connection)
        return known_run(self.db, run.id)

    def all(self, statement):
        with self.db.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def counts(self):
        return tuple(self.all(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES)

    def reasons(self):
        return {row[0]: set(row[1]) for row in self.all("SELECT line, reasons FROM rejected_transactions")}

    def assert_balanced(self):
        """Charges and rejects are raw rows, and the daily sums are those of the charges."""
        raw, charges, rejects = self.counts()
        assert raw == charges + rejects
        summed = self.all(
            "SELECT created_at::date, company_id, sum(amount), count(*) FROM charges"
            " WHERE status IN ('paid', 'refunded') GROUP BY 1, 2 ORDER BY 1, 2"
        )
        kept = self.all(
            "SELECT transaction_date, company_id, total_amount, transaction_count FROM daily_transactions ORDER BY 1, 2"
        )
        assert kept == summed

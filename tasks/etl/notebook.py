"""The stages as classes, for notebooks: they run the same code as the jobs.

    from tasks.etl.notebook import DataExtractor, DataLoader, DataTransformer, DatabaseManager, connect

    db = connect("postgresql://user:pw@host/db")
    DataLoader(db).load_csv_to_database("transactions.csv")
    DataExtractor(db).extract_to_parquet("raw.parquet")
    transformed = DataTransformer("raw.parquet").transform_to_schema()
    DatabaseManager(db).load_transformed_data(transformed)

Without a run, the newest one is meant.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd

from core.errors import ConflictError, NotFoundError
from core.exact_json import dumps
from core.input_files import InputFile
from models.etl_run import EtlRun, RunStatus, list_runs
from models.etl_staging import Staging
from models.ledger_frames import count_raw, insert_charges, summary_exists
from models.migrate import migrate
from models.session import Database
from tasks.etl.arrow import RecordBatch, pa, pq
from tasks.etl.companies import SCHEMA as COMPANIES
from tasks.etl.fields import COLUMNS
from tasks.etl.hashing import shortened
from tasks.etl.judge import Judged
from tasks.etl.reasons import reasons_in
from tasks.etl.records import SCHEMA
from tasks.etl.report import FateReport
from tasks.etl.settings import RunSettings
from tasks.etl.source import open_transactions, sha256_of
from tasks.etl.stages.extract import Filters, extract
from tasks.etl.stages.hold import held, known_run, run_of
from tasks.etl.stages.load import load
from tasks.etl.stages.publish import publish
from tasks.etl.stages.rebuild import spool_of
from tasks.etl.stages.spool import Spool, surveyed
from tasks.etl.stages.transform import transform
from tasks.etl.stages.workplace import Workplace, no_tick
from tasks.etl.statuses import STATUSES
from tasks.etl.verdicts import Verdicts

OWNER = "notebook"
FOLDER = Path(tempfile.gettempdir()) / "reckoner-notebook"
RUNS_LOOKED_AT = 50


def connect(url: str) -> Database:
    return Database(url, dumps=lambda value: dumps(value).decode(), application="reckoner notebook")


class _Stage:
    def __init__(self, db: Database, run: UUID | None = None) -> None:
        self._db = db
        self._run_id = run
        self._place = Workplace(db, FOLDER)

    @property
    def run(self) -> EtlRun:
        """The run that was named, or the newest."""
        if self._run_id is not None:
            return known_run(self._db, self._run_id)
        with self._db.connect() as connection:
            newest = list_runs(connection, limit=1)
        if not newest:
            raise NotFoundError("there is no ETL run yet; load a file first")
        return newest[0]


class DataLoader(_Stage):
    """Loads a file's records verbatim into `raw_transactions`."""

    def load_csv_to_database(self, path: str | Path, **settings: Any) -> dict[str, Any]:
        """The load's report. Excel, Parquet and gzip are read too; the same file is loaded once."""
        path = Path(path)
        found = InputFile(path.name, sha256_of(path), path.stat().st_size, path)
        run = run_of(self._db, found, RunSettings(**settings), OWNER)
        self._run_id = run.id
        with held(self._db, run, no_tick) as current:
            report = load(self._place, current, path)
            if current.status == RunStatus.OPEN:
                with self._db.transaction() as connection:
                    Staging(run.load_id).show_raw(connection)
        return {"run": run.id, **report}

    def validate_data_integrity(self) -> dict[str, Any]:
        """Whether the table holds what was read: as many rows, each line once."""
        run = self.run
        expected = run.stages.get("load", {}).get("rows", 0) - (run.rows_known or 0)
        with self._db.connect() as connection:
            rows, lines = count_raw(connection, run.load_id)
        problems = run.stages.get("load", {}).get("problems", {})
        return {"is_valid": rows == lines == expected, "rows": rows, "expected": expected, "problems": problems}


class DataExtractor(_Stage):
    """Writes a run's raw rows to files."""

    _metadata: dict[str, Any] | None = None

    def extract_to_csv(self, path: str | Path, **filters: Any) -> Path:
        return self._extract(Path(path), Filters(**filters), as_csv=True)

    def extract_to_parquet(self, path: str | Path, **filters: Any) -> Path:
        return self._extract(Path(path), Filters(**filters), as_csv=False)

    def _extract(self, path: Path, filters: Filters, *, as_csv: bool) -> Path:
        self._metadata = extract(self._place, self.run, path, as_csv=as_csv, filters=filters)
        return path

    def get_extraction_metadata(self) -> dict[str, Any]:
        """Rows, bytes, sha256, schema, filters and duration of the last extraction."""
        if self._metadata is None:
            raise ConflictError("nothing was extracted yet")
        return self._metadata


@dataclass(frozen=True)
class Transformed:
    """What the rules made of the rows: frames to look at, and the rows themselves to be loaded."""

    companies: pd.DataFrame
    charges: pd.DataFrame
    rejects: pd.DataFrame
    report: dict[str, Any]
    records: Any  # an Arrow table
    settings: RunSettings


class DataTransformer:
    """Judges the rows of a file or a frame; nothing is written anywhere."""

    def __init__(self, source: str | Path | pd.DataFrame, **settings: Any) -> None:
        self._source = source
        self._settings = RunSettings(**settings)
        self._done: Transformed | None = None

    def transform_to_schema(self) -> Transformed:
        """Companies, charges and rejects as they would stand in the database."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            records = self._records(Path(folder))
            with surveyed(path) as writer:
                for batch in records.to_batches():
                    writer.write(batch)
            with Verdicts(Spool(path), self._settings, lambda *_: None) as verdicts:
                self._done = self._framed(verdicts, records)
        return self._done

    def apply_business_rules(self) -> dict[str, Any]:
        """How many rows became what, by reason and repair, with examples."""
        return self._transformed().report

    def validate_transformed_data(self) -> dict[str, bool]:
        """What must hold of the result, each named."""
        done = self._transformed()
        charges = done.charges
        return {
            "every_row_has_one_fate": len(charges) + len(done.rejects) == done.records.num_rows,
            "ids_are_unique": bool(charges["id"].is_unique),
            "ids_fit": bool((charges["id"].str.len() <= 24).all()),  # noqa: PLR2004 - VARCHAR(24)
            "amounts_are_positive": bool((charges["amount"] > 0).all()),
            "statuses_are_known": bool(charges["status"].isin(STATUSES).all()),
            "companies_are_known": bool(charges["company_id"].isin(done.companies["company_id"]).all()),
        }

    def _transformed(self) -> Transformed:
        return self._done or self.transform_to_schema()

    def _records(self, folder: Path) -> Any:
        """The rows, with the line numbers of the file they first came from where that is known."""
        source = self._source
        if isinstance(source, pd.DataFrame):
            source = folder / "frame.csv"
            self._source.to_csv(source, index=False)  # type: ignore[union-attr]  # narrowed above
        path = Path(source)
        if path.suffix == ".parquet" and pq.read_schema(path).equals(SCHEMA):
            return pq.read_table(path)
        with open_transactions(path, path.name, self._settings) as opened:
            return pa.Table.from_batches([part.batch for part in opened.records()], schema=SCHEMA)

    def _framed(self, verdicts: Verdicts, records: Any) -> Transformed:
        report = FateReport()
        charges, rejects = [], []
        for judged, chosen in verdicts.judged(lambda judged, chosen: (judged, chosen)):
            report.add(judged, chosen)
            is_sound = judged.reasons == 0
            charges.append(_charges(judged.only(chosen & is_sound)))
            rejects.append(_rejects(judged.only(chosen & ~is_sound)))
        companies = pa.Table.from_batches(verdicts.directory.companies(), schema=COMPANIES)
        return Transformed(
            pd.DataFrame({"company_id": shortened(companies["id"]), "company_name": companies["name"]}),
            pd.concat(charges, ignore_index=True),
            pd.concat(rejects, ignore_index=True),
            report.facts(),
            records,
            self._settings,
        )


def _charges(judged: Judged) -> pd.DataFrame:
    moments = pa.timestamp("us")
    table = pa.table(
        {
            "id": judged.short_ids,
            "company_id": judged.company_ids,
            "amount": pa.array(judged.cents).cast(pa.decimal128(20, 0)).cast(pa.decimal128(20, 2)),
            "status": pa.array([STATUSES[code] for code in judged.statuses], pa.string()),
            "created_at": pa.array(judged.created, moments),
            "updated_at": pa.array(judged.paid, moments, mask=~judged.is_paid),
        }
    )
    frame: pd.DataFrame = table.to_pandas()
    frame["amount"] = [amount / 100 for amount in frame["amount"]]
    return frame


def _rejects(judged: Judged) -> pd.DataFrame:
    records: RecordBatch = judged.records.select(["line", *COLUMNS])
    frame: pd.DataFrame = records.to_pandas()
    frame["reasons"] = [[str(reason) for reason in reasons_in(int(bits))] for bits in judged.reasons]
    return frame


class DatabaseManager(_Stage):
    """The ledger's tables and the way into them."""

    def create_normalized_schema(self) -> str | None:
        """Bring the database to the newest schema; answers its revision."""
        return migrate(self._db.url.render_as_string(hide_password=False).replace("+psycopg2", ""))

    def load_transformed_data(self, frame: Transformed | pd.DataFrame) -> dict[str, int]:
        """Publish transformed rows with their raw rows and rejects, or add a plain frame of charges.

        A frame of charges needs id, company_id, amount, status, created_at, updated_at, and company_name where the
        company is new. Charges that exist are left as they are.
        """
        if isinstance(frame, pd.DataFrame):
            with self._db.transaction() as connection:
                added = insert_charges(connection, frame.to_dict("records"))
            return {"charges_added": added, "charges_known": len(frame) - added}
        run = self._run_of(frame)
        with held(self._db, run, no_tick):
            transform(self._place, known_run(self._db, run.id))
            with self._db.transaction() as connection:
                report = publish(self._place, known_run(self._db, run.id), connection)
        return {name: report[name] for name in ("charges_added", "rejected", "known", "raw_added", "companies_added")}

    def create_reporting_view(self) -> bool:
        """The view comes with the schema; answers whether it is there."""
        with self._db.connect() as connection:
            return summary_exists(connection)

    def _run_of(self, done: Transformed) -> EtlRun:
        """The run that was loaded from the same rows, or a new one made of them."""
        settings = done.settings.model_dump(mode="json")
        with self._db.connect() as connection:
            runs = list_runs(connection, limit=RUNS_LOOKED_AT)
        for run in runs:
            is_same_size = run.stages.get("load", {}).get("rows") == done.records.num_rows
            if run.status == RunStatus.OPEN and is_same_size and run.settings == settings:
                rows = pa.Table.from_batches([_plain(b) for b in spool_of(self._place, run).batches()], schema=SCHEMA)
                if rows.sort_by("line").equals(done.records.sort_by("line")):
                    return run
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            path = Path(folder) / "transformed.parquet"
            pq.write_table(done.records, path)
            found = InputFile(path.name, sha256_of(path), path.stat().st_size, path)
            run = run_of(self._db, found, done.settings, OWNER)
            load(self._place, run, path)
            return run


def _plain(batch: RecordBatch) -> RecordBatch:
    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)

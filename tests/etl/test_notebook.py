"""The classes for notebooks do what the jobs do, step by step."""

from decimal import Decimal

import pandas as pd
import pytest

from data.make_transactions import write
from tasks.etl.notebook import DatabaseManager, DataExtractor, DataLoader, DataTransformer
from tests.etl.loading import Loader


@pytest.fixture
def dirty(tmp_path):
    path = tmp_path / "dirty.csv"
    write(path, 800, dirt=0.3, seed=2)
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_stages_by_hand_end_where_the_job_ends(db, dirty, tmp_path, suffix):
    ledger = Loader(db, tmp_path)
    assert DatabaseManager(db).create_normalized_schema()
    loader = DataLoader(db)
    loader.load_csv_to_database(dirty)
    assert loader.validate_data_integrity()["is_valid"]
    assert ledger.counts() == (800, 0, 0)
    extractor = DataExtractor(db)
    path = getattr(extractor, f"extract_to_{suffix}")(tmp_path / f"raw.{suffix}")
    facts = extractor.get_extraction_metadata()
    assert (facts["rows"], facts["bytes"]) == (800, path.stat().st_size)
    transformer = DataTransformer(path)
    done = transformer.transform_to_schema()
    assert all(transformer.validate_transformed_data().values())
    assert transformer.apply_business_rules()["rejected"] == len(done.rejects)
    if suffix == "csv":
        return  # problems of records are known to the raw rows only; a CSV extract is for looking
    loaded = DatabaseManager(db).load_transformed_data(done)
    assert (loaded["charges_added"], loaded["rejected"]) == (len(done.charges), len(done.rejects))
    ledger.assert_balanced()
    assert DatabaseManager(db).create_reporting_view()
    kept = dict(ledger.all("SELECT id, amount FROM charges"))
    assert kept == dict(zip(done.charges["id"], done.charges["amount"], strict=True))


def test_rows_that_no_load_knows_become_a_run_of_their_own(db, tmp_path):
    frame = pd.DataFrame(
        [["a", "Acme", "c1", "1.005", "paid", "2024-01-01", None], ["", "Acme", "c1", "1", "paid", "2024-01-01", None]],
        columns=["id", "name", "company_id", "amount", "status", "created_at", "paid_at"],
    )
    done = DataTransformer(frame).transform_to_schema()
    assert done.charges["amount"].tolist() == [Decimal("1.01")]
    DatabaseManager(db).load_transformed_data(done)
    ledger = Loader(db, tmp_path)
    assert ledger.counts() == (2, 1, 1)
    ledger.assert_balanced()


def test_a_plain_frame_of_charges_adds_what_is_new_and_overwrites_nothing(db, tmp_path):
    manager = DatabaseManager(db)
    row = {"id": "a", "company_id": "c1", "company_name": "Acme", "amount": Decimal("1.10"), "status": "paid"}
    dates = {"created_at": pd.Timestamp("2024-01-01"), "updated_at": pd.NaT}
    assert manager.load_transformed_data(pd.DataFrame([row | dates])) == {"charges_added": 1, "charges_known": 0}
    other = row | dates | {"amount": Decimal(9)}
    assert manager.load_transformed_data(pd.DataFrame([other])) == {"charges_added": 0, "charges_known": 1}
    assert Loader(db, tmp_path).all("SELECT amount, updated_at FROM charges") == [(Decimal("1.10"), None)]

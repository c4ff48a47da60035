"""A transaction file for each run, and whether the ledger has each of its rows exactly once."""

import hashlib
from decimal import Decimal

_BAD = 20  # every so many rows one is refused
_NOTHING = (0, 0, 0, Decimal(0), 0, 0, 0)
_STANDING = """
WITH mine AS (SELECT load_id, status FROM etl_runs WHERE file_name = :file)
SELECT (SELECT count(*) FROM mine WHERE status = 'published') AS published,
       (SELECT count(*) FROM raw_transactions JOIN mine USING (load_id)) AS raw,
       (SELECT count(*) FROM charges WHERE company_id = :company) AS charges,
       (SELECT coalesce(sum(amount), 0) FROM charges WHERE company_id = :company) AS amount,
       (SELECT count(*) FROM rejected_transactions JOIN mine USING (load_id)) AS rejects,
       (SELECT coalesce(sum(transaction_count), 0) FROM daily_transactions WHERE company_id = :company) AS reported,
       (SELECT count(*) FROM pg_class JOIN mine ON relname ~ ('_' || load_id || '(_[0-9]+)?$')
         WHERE relnamespace = 'etl_loads'::regnamespace AND mine.status = 'published') AS staged
"""


def file_of(run):
    return f"{run}.csv"


def _company(run):
    return hashlib.sha256(run.encode()).hexdigest()[:12]


def write(folder, run, rows):
    """Rows of one company, which no other run has."""
    company = _company(run)
    lines = ["id,name,company_id,amount,status,created_at,paid_at"]
    for n in range(rows):
        amount = "-1" if n % _BAD == 0 else f"{n}.25"
        lines.append(f"{company}-{n:08d},Company {company},{company},{amount},paid,2026-01-{n % 28 + 1:02d},")
    (folder / file_of(run)).write_text("\n".join(lines) + "\n")


def wrong(stage, run, rows, *, may_be_missing):
    """What stands other than it should, in words."""
    found = tuple(stage.look(_STANDING, file=file_of(run), company=_company(run))[0])
    amounts = [Decimal(n) + Decimal("0.25") for n in range(rows) if n % _BAD]
    refused = rows - len(amounts)
    expected = (1, rows, len(amounts), sum(amounts), refused, len(amounts), 0)
    if found == expected or (may_be_missing and found == _NOTHING):
        return []
    names = "runs published, raw rows, charges, their amount, rejects, charges reported, tables left"
    return [f"the ledger has {found}, not {expected}: {names}"]

"""What decides the fate of a file's rows: with the file itself these settings name a run."""

from __future__ import annotations

import codecs
import hashlib
from typing import Annotated, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tasks.etl.date_order import DateOrder
from tasks.etl.fields import COLUMNS

ColumnName = Literal["id", "name", "company_id", "amount", "status", "created_at", "paid_at"]
assert ColumnName.__args__ == COLUMNS  # type: ignore[attr-defined]  # noqa: S101 - one list, said twice for pydantic


def _known_encoding(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError(f"no encoding is called {name!r}") from None


class RunSettings(BaseModel):
    """How a file is read and judged. The same file with the same settings is the same run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repair: bool = Field(
        default=True, description="mend companies from the file's other rows; else such rows are rejected"
    )
    mapping: dict[ColumnName, str] = Field(
        default_factory=dict, description="the file's own name of a column, e.g. {'id': 'transaction_id'}"
    )
    date_order: DateOrder | None = Field(
        None, description="how 01/02/2024 is meant; without it such a date is rejected as ambiguous"
    )
    encoding: Annotated[str | None, AfterValidator(_known_encoding)] = Field(
        None, description="the text file's encoding; found out if not given"
    )
    delimiter: Literal[",", ";", "\t", "|", ":", "^", "~"] | None = Field(
        None, description="between two fields; found out if not given"
    )
    sheet: str | None = Field(None, description="the workbook's sheet; the first if not given")

    def key(self, file_sha256: str) -> str:
        facts = orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(file_sha256.encode() + facts).hexdigest()

"""A question as the API takes it, to be asked again to the digit: numbers stay numbers, however long they are."""

import json
import re
from datetime import date
from decimal import Decimal

from tasks.two_sum.contract import TwoSumParams

TITLE = "POST /api/v1/jobs"
PIECE = 16_000  # characters; a cell holds 32,767 UTF-16 units
MARKED = re.compile(r'"\\u0000([^"\\]*)"')


def lines_of(params: TwoSumParams) -> dict[str, str]:
    """The request's body by title, in as many pieces as it needs to stand whole in cells of a sheet."""
    body = written({"kind": "two_sum", "params": params.model_dump(exclude_defaults=True)})
    pieces = [body[start : start + PIECE] for start in range(0, len(body), PIECE)]
    return {TITLE if at == 0 else f"{TITLE}, continued {at}": piece for at, piece in enumerate(pieces)}


def written(value: object) -> str:
    """JSON in which an exact decimal is a number."""
    return MARKED.sub(r"\1", json.dumps(value, ensure_ascii=False, default=_marked))


def _marked(value: object) -> str:
    """What JSON has no word for; a decimal is marked with a character that no text in a question has."""
    match value:
        case Decimal():
            return f"\0{value:f}"
        case date():
            return value.isoformat()
        case _:
            return str(value)

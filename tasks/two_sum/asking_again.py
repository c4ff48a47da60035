"""A question as the API takes it, to be asked again to the digit: numbers stay numbers, however long they are."""

from core import exact_json
from tasks.two_sum.contract import TwoSumParams

TITLE = "POST /api/v1/jobs"
PIECE = 16_000  # characters; a cell holds 32,767 UTF-16 units


def lines_of(params: TwoSumParams) -> dict[str, str]:
    """The request's body by title, in as many pieces as it needs to stand whole in cells of a sheet."""
    body = exact_json.dumps({"kind": "two_sum", "params": params.model_dump(exclude_defaults=True)}).decode()
    pieces = [body[start : start + PIECE] for start in range(0, len(body), PIECE)]
    return {TITLE if at == 0 else f"{TITLE}, continued {at}": piece for at, piece in enumerate(pieces)}

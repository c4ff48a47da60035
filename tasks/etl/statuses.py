"""The statuses a charge can have; a status is trimmed and lower-cased, never guessed."""

from __future__ import annotations

from tasks.etl.fields import trimmed
from tasks.etl.reasons import Reason

STATUSES = (
    "paid",
    "refunded",
    "pending_payment",
    "voided",
    "charged_back",
    "expired",
    "pre_authorized",
    "partially_refunded",
)
REPORTED = ("paid", "refunded")


def status(text: str | None) -> str | Reason:
    """The status the text names, or why it names none."""
    bare = trimmed(text).lower()
    if not bare:
        return Reason.STATUS_MISSING
    return bare if bare in STATUSES else Reason.STATUS_UNKNOWN

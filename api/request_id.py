"""What names a request in answers and logs: the client's own id if it can be used, else a new one."""

from __future__ import annotations

import re

from core.clock import uuid7_text

_USABLE = re.compile(r"[A-Za-z0-9._-]{1,100}")


def request_id(sent: str) -> str:
    return sent if sent and _USABLE.fullmatch(sent) else uuid7_text()

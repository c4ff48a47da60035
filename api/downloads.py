"""Stored content as a download: streamed, named, never shown as a page."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from flask import Response, request

from api.platform import current_platform

_PIECE = 256 * 1024


def send_stored(sha256: str, size: int, name: str, media_type: str) -> Response:
    """The content's hash is its ETag: it can never change."""
    headers = {
        "ETag": f'"{sha256}"',
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Length": str(size),
        "X-Content-SHA256": sha256,
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(status=304, headers={"ETag": headers["ETag"]})
    opened = current_platform().storage.open(sha256)

    def pieces() -> Iterator[bytes]:
        with opened:
            while piece := opened.read(_PIECE):
                yield piece

    response = Response(pieces(), 200, headers, content_type=media_type)
    response.call_on_close(opened.close)
    return response

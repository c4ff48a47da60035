"""Files: upload, look at, list, download, delete."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID

from flask import Response, request
from flask_openapi import APIBlueprint, Tag

from api.audit.recording import audited, changing, note
from api.auth import sees
from api.downloads import send_stored
from api.files import schemas
from api.platform import current_holder, current_platform
from api.responses import ANY_FILE, json_response
from core.clock import uuid7
from core.errors import InvalidInputError, NotFoundError, TooLargeError
from core.storage import Readable
from models.api_key import Role
from models.file import File, add_file, find_file, is_named, list_files, remove_file

files = APIBlueprint("files", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Files", description=__doc__)])

_MULTIPART = "multipart/form-data"
_SLACK = 64 * 1024  # what a form adds around its file
_LONGEST_NAME = 255


@files.post("/files", summary="Upload a workbook, CSV or Parquet file", responses={201: schemas.FileDocument})
def upload_file(query: schemas.UploadQuery) -> Response:
    """As a form's `file`, or as the body itself with `?name=`; gzipped or not. The same content is stored once."""
    platform = current_platform()
    limit = platform.settings.max_upload_bytes
    request.max_content_length = limit + _SLACK
    if (request.content_length or 0) > limit + _SLACK:
        raise TooLargeError(f"the file is larger than {limit:,} bytes", max_bytes=limit)
    name, stream = _sent(query.name)
    stored = platform.storage.save(stream, max_bytes=limit)
    try:
        from api.files.looking import look_at  # noqa: PLC0415  # readers bring numpy and pyarrow: who uploads pays

        shown = look_at(stored, name)
    except Exception:
        with platform.db.connect() as connection:
            if not is_named(connection, stored.sha256):
                platform.storage.delete(stored.sha256)
        raise
    facts = {"id": uuid7(), "owner": current_holder().owner, "name": name, "sha256": stored.sha256}
    with platform.db.connect() as connection:
        row = add_file(connection, **facts, bytes=stored.bytes, format=shown.format, preview=dataclasses.asdict(shown))
    return json_response(document(row), 201, {"Location": f"/api/v1/files/{row.id}"})


def _sent(name: str | None) -> tuple[str, Readable]:
    if request.mimetype == _MULTIPART:
        sent = request.files.get("file")
        if sent is None:
            raise InvalidInputError("the form has no file called `file`")
        return _clean(name or sent.filename or ""), sent.stream
    return _clean(name or ""), request.stream


def _clean(name: str) -> str:
    """The last part of whatever path a browser sends, without control characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    clean = "".join(letter for letter in last if letter.isprintable()).strip()[:_LONGEST_NAME]
    if not clean:
        raise InvalidInputError("the file needs a name: send a form with `file`, or ?name=ledger.xlsx")
    return clean


@files.get("/files", summary="List files, newest first", responses={200: schemas.FileList})
def list_uploaded(query: schemas.FileQuery) -> Response:
    holder = current_holder()
    owner = None if holder.role.covers(Role.OPERATOR) else holder.owner
    with current_platform().db.connect() as connection:
        rows = list_files(connection, owner, query.limit + 1, query.cursor)
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return json_response({"data": [document(row) for row in rows], "next_cursor": str(rows[-1].id) if more else None})


@files.get("/files/<file_id>", summary="One file with its preview", responses={200: schemas.FileDocument})
def get_file(path: schemas.FilePath) -> Response:
    return json_response(document(_fetch(path.file_id)))


@files.get("/files/<file_id>/content", summary="Download a file", responses={200: ANY_FILE, 304: None})
def get_content(path: schemas.FilePath) -> Response:
    row = _fetch(path.file_id)
    return send_stored(row.sha256, row.bytes, row.name, "application/octet-stream")


@files.delete("/files/<file_id>", summary="Delete a file", responses={204: None})
@audited("file.deleted", of="file_id")
def delete_file(path: schemas.FilePath) -> Response:
    """The content goes when nothing else names it."""
    row = _fetch(path.file_id)
    note(name=row.name, owner=row.owner, sha256=row.sha256)
    with changing() as connection:
        gone = remove_file(connection, row.id)
    if gone is not None:
        current_platform().storage.delete(gone)
    return Response(status=204)


def _fetch(file_id: UUID) -> File:
    with current_platform().db.connect() as connection:
        row = find_file(connection, file_id)
    if row is None or not sees(row.owner):
        raise NotFoundError(f"no file {file_id}")
    return row


def document(row: File) -> dict[str, Any]:
    names = ("id", "name", "sha256", "bytes", "format", "created_at", "preview")
    return {name: getattr(row, name) for name in names}

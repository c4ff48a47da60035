"""Files: upload, look into, use, download, delete."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request, url_for

from api.auth import needs
from api.console.asking import ask, may, tell
from api.console.pages import console, go, show
from api.files import schemas, views
from api.platform import current_platform
from models.api_key import Role


@console.get("/files")
def files() -> Response:
    page = ask(views.list_uploaded, query=schemas.FileQuery(cursor=request.args.get("cursor", type=UUID)))
    return show("files.html", page=page, may_upload=may(views.upload_file), limit=_limit())


def _limit() -> int:
    return current_platform().settings.max_upload_bytes


@console.post("/files")
@needs(Role.SUBMITTER)
def upload() -> Response:
    """To the file's own page, or back to the form that wanted it."""
    file = tell(views.upload_file, query=schemas.UploadQuery(name=None))
    wanted_by = request.args.get("for", "")
    if wanted_by in {kind.name for kind in current_platform().registry}:
        return go(url_for("console.new_job_of", name=wanted_by, file=file["id"]))
    return go(url_for("console.file", file_id=file["id"]))


@console.get("/files/<uuid:file_id>")
def file(file_id: UUID) -> Response:
    kinds = [kind for kind in current_platform().registry if "file" in kind.params.model_fields]
    found = ask(views.get_file, path=schemas.FilePath(file_id=file_id))
    return show("file.html", file=found, kinds=kinds, may_write=may(views.upload_file))


@console.get("/files/<uuid:file_id>/content")
def file_content(file_id: UUID) -> Response:
    response: Response = views.get_content(path=schemas.FilePath(file_id=file_id))
    return response


@console.post("/files/<uuid:file_id>/delete")
def delete_file(file_id: UUID) -> Response:
    tell(views.delete_file, path=schemas.FilePath(file_id=file_id))
    return go(url_for("console.files"))

"""What clients send and get about files."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field


class UploadQuery(BaseModel):
    name: str | None = Field(
        None, min_length=1, max_length=255, description="The file's name, when the body is the file itself."
    )


class FilePath(BaseModel):
    file_id: UUID = Field(description="A file's id.")


class FileList(BaseModel):
    data: list[FileDocument]
    next_cursor: UUID | None


class FileQuery(BaseModel):
    limit: int = Field(50, ge=1, le=200)
    cursor: UUID | None = Field(None, description="`next_cursor` of the page before.")


class FileDocument(BaseModel):
    """An uploaded file; `preview` shows sheets, columns, guessed header rows, types and first rows."""

    id: UUID
    name: str
    sha256: str
    bytes: int
    format: str
    created_at: datetime
    preview: dict[str, Any]

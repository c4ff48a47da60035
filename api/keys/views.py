"""API keys: made by admins, shown once, stored hashed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field

from api.audit.recording import audited, changing, note
from api.auth import needs
from api.platform import current_platform
from api.responses import json_response
from core.clock import uuid7
from core.errors import NotFoundError
from models.api_key import Role, add_key, list_keys, new_secret, revoke

keys = APIBlueprint("keys", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Keys", description=__doc__)])


class KeyPath(BaseModel):
    key_id: UUID


class KeyBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$", description="What the key is for.")
    owner: str = Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$", description="Whose jobs it makes and sees.")
    role: Role = Role.SUBMITTER


class KeyDocument(BaseModel):
    id: UUID
    hint: str
    name: str
    owner: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


class KeyList(BaseModel):
    data: list[KeyDocument]


class NewKey(BaseModel):
    id: UUID
    key: str = Field(description="Shown this once; store it now.")
    name: str
    owner: str
    role: Role


@keys.get("/keys", summary="All keys, without their secrets", responses={200: KeyList})
@needs(Role.ADMIN)
def get_keys() -> Response:
    with current_platform().db.connect() as connection:
        return json_response({"data": list_keys(connection)})


@keys.post("/keys", summary="Make a key", responses={201: NewKey})
@needs(Role.ADMIN)
@audited("key.made")
def make_key(body: KeyBody) -> Response:
    key_id, secret = uuid7(), new_secret()
    note(target=key_id)
    with changing() as connection:
        add_key(connection, key_id, secret, name=body.name, owner=body.owner, role=body.role)
    return json_response(
        {"id": key_id, "key": secret, **body.model_dump()}, 201, {"Location": f"/api/v1/keys/{key_id}"}
    )


@keys.delete("/keys/<key_id>", summary="Revoke a key", responses={204: None})
@needs(Role.ADMIN)
@audited("key.revoked", of="key_id")
def revoke_key(path: KeyPath) -> Response:
    with changing() as connection:
        if not revoke(connection, path.key_id):
            raise NotFoundError(f"no live key {path.key_id}")
    return Response(status=204)

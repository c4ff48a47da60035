"""What the outside API says, asked now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel

from api.auth import needs
from api.external.service import ANSWER_WITHIN, external_service
from api.items.schemas import ItemDocument, ItemPath, item_document
from api.items.views import cache, no_such_item
from api.platform import current_platform
from api.problem import ProblemError
from api.responses import json_response
from core.exact_json import dumps
from core.external_api import ExternalApi
from core.http_client import ExternalConnectionError, ExternalError
from models import item
from models.api_key import Role

external = APIBlueprint(
    "external", __name__, url_prefix="/api/v1/external", abp_tags=[Tag(name="External API", description=__doc__)]
)

_SHOWN_POSTS = 5
_FAILED = "Failed to fetch data from external API"


class PostDocument(BaseModel):
    id: int
    title: str
    body: str
    userId: int  # noqa: N815 - the outside API's own name


@contextmanager
def _asking() -> Iterator[ExternalApi]:
    """The outside API's failures in the words that clients know; an open breaker is 503 and says when to come back."""
    try:
        with external_service().call() as api:
            yield api
    except ExternalConnectionError as error:
        message = f"Error connecting to external API: {error.message}"
        raise ProblemError(502, error.code, message, code=error.code) from error
    except ExternalError as error:
        facts = {"reason": error.message, **error.details}
        raise ProblemError(502, error.code, _FAILED, code=error.code, upstream=facts) from error


@external.get("/fetch-data/<item_id>", summary="Fetch the post of an item's number", responses={200: ItemDocument})
@needs(Role.SUBMITTER)
def fetch_data(path: ItemPath) -> Response:
    """Stores it as JSON text in `external_data` and answers the item: a GET by its age, a write by what it does."""
    db = current_platform().db
    with db.connect() as connection:
        known = item.find(connection, path.item_id)
    if known is None:
        raise no_such_item()
    with _asking() as api:
        post = api.post(path.item_id, budget=ANSWER_WITHIN)
    with db.connect() as connection:
        changed = item.change(connection, path.item_id, external_data=dumps(post).decode())
    if changed is None:  # deleted meanwhile
        raise no_such_item()
    cache().changed()
    return json_response(item_document(changed))


@external.get("/posts", summary="The first five posts", responses={200: None})
def first_posts() -> Response:
    """Nothing is stored."""
    with _asking() as api:
        return json_response(api.first_posts(_SHOWN_POSTS, budget=ANSWER_WITHIN))

"""Query parameters whose validation does not cost more than the answer."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel


class Query(BaseModel):
    """Base of all models of query strings.

    The OpenAPI library asks the model for its schema with each request, and making one took two thirds of the time
    of a small answer (1.5 ms against 0.5). The plain schema is made once; whoever wants another form gets a new one.
    """

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        if args or options:
            return super().model_json_schema(*args, **options)
        return _plain_schema(cls)


@cache
def _plain_schema(model: type[Query]) -> dict[str, Any]:
    return super(Query, model).model_json_schema()

"""The OpenAPI document and its pages, with every kind's params as the registry has them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect
from flask_openapi import OpenAPI
from werkzeug.wrappers import Response as WerkzeugResponse

from api.jobs.schemas import Problem
from api.responses import json_response
from tasks.registry import Registry

_REF = "#/components/schemas/"
_FORMATS = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def complete(app: OpenAPI, registry: Registry) -> dict[str, Any]:
    """The generated document with one submit schema a kind, and problems as the answer to whatever goes wrong."""
    spec: dict[str, Any] = app.api_doc
    schemas: dict[str, Any] = spec["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema(ref_template=f"{_REF}{{model}}")
    submit = schemas.pop("SubmitBody")
    mapping: dict[str, str] = {}
    for kind in registry:
        name = "Submit" + "".join(part.title() for part in kind.name.split("_"))
        params = kind.params.model_json_schema(ref_template=f"{_REF}{{model}}")
        schemas.update(params.pop("$defs", {}))
        schemas[kind.params.__name__] = params
        schemas[name] = {
            **submit,
            "title": kind.title,
            "description": kind.description,
            "properties": {
                **submit["properties"],
                "kind": {"type": "string", "const": kind.name},
                "params": {"$ref": _REF + kind.params.__name__},
            },
        }
        mapping[kind.name] = _REF + name
    schemas["SubmitBody"] = {
        "oneOf": [{"$ref": ref} for ref in mapping.values()],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    }
    problem = {
        "description": "What went wrong.",
        "content": {"application/problem+json": {"schema": {"$ref": f"{_REF}Problem"}}},
    }
    for operations in spec["paths"].values():
        for operation in operations.values():
            _say_formats(operation)
            operation["responses"].pop("422", None)
            operation["responses"]["4XX"] = problem
            operation["responses"]["5XX"] = problem
    return spec


def _say_formats(operation: dict[str, Any]) -> None:
    """An operation with `?format=` answers 200 in each of them."""
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "format":
            content = operation["responses"]["200"]["content"]
            content |= {_FORMATS[name]: {"schema": {}} for name in parameter["schema"]["enum"] if name in _FORMATS}


def register(app: OpenAPI, registry: Registry) -> None:
    pages = Blueprint("docs", __name__)

    @pages.get("/openapi.json")
    def document() -> Response:
        if "reckoner_spec" not in app.extensions:
            app.extensions["reckoner_spec"] = complete(app, registry)
        return json_response(app.extensions["reckoner_spec"])

    @pages.get("/docs")
    def swagger() -> WerkzeugResponse:
        return redirect("/openapi/swagger")

    @pages.get("/redoc")
    def redoc() -> WerkzeugResponse:
        return redirect("/openapi/redoc")

    app.register_blueprint(pages)

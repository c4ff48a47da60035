"""Which jobs a list or a bulk action means."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, literal_column, select

from api.auth import sees
from api.jobs.schemas import Filter, ListQuery
from api.platform import current_holder
from core.errors import InvalidInputError
from models.job import Job
from tasks.lifecycle import SHOWN


def conditions(wanted: ListQuery | Filter) -> list[ColumnElement[bool]]:
    """The filter as SQL, always within what this client may see."""
    found: list[ColumnElement[bool]] = []
    if wanted.kind:
        found.append(Job.kind.in_(wanted.kind))
    if wanted.status:
        found.append(Job.status.in_([str(status) for status in wanted.status]))
    if wanted.tag:
        found.append(Job.tags.contains(wanted.tag))
        found.append(literal_column("jobs.tags <> '{}'", Boolean()))  # lets Postgres use the index on tagged jobs
    if wanted.schedule:
        found.append(Job.schedule == wanted.schedule)
    if wanted.parent_id:
        found.append(Job.parent_id == wanted.parent_id)
    if wanted.created_after:
        found.append(Job.created_at > wanted.created_after)
    if wanted.created_before:
        found.append(Job.created_at < wanted.created_before)
    if wanted.owner:
        found.append(Job.owner == wanted.owner)
    if not sees(wanted.owner or ""):
        found.append(Job.owner == current_holder().owner)
    return found


def page(wanted: ListQuery) -> Select[Any]:
    """Newest first, by id, which is also by time; one more than asked for, to know whether there is a next page."""
    statement = select(*SHOWN).where(*conditions(wanted))
    if wanted.cursor:
        statement = statement.where(Job.id < wanted.cursor)
    return statement.order_by(Job.id.desc()).limit(wanted.limit + 1)


def chosen(wanted: Filter) -> list[ColumnElement[bool]]:
    """A bulk action must say what it means."""
    if not wanted.model_dump(exclude_none=True):
        raise InvalidInputError(
            "the filter is empty; name at least one of: ids, kind, status, tag, owner, created_after"
        )
    found = conditions(wanted)
    if wanted.ids is not None:
        found.append(Job.id.in_(wanted.ids))
    return found

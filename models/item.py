"""Items: what people write down, and what the sync brings in from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Identity,
    Row,
    Text,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from models.base import Base
from models.cache_generation import ITEMS, bumped


class Item(Base):
    __tablename__ = "items"

    # A number, because the external routes ask the outside API for the post of the same number.
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    title: Mapped[str]
    description: Mapped[str | None]
    external_data: Mapped[str | None]  # JSON text, as fetched
    external_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)  # set by the sync alone
    body: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


_COLUMNS = tuple(Item.__table__.c)
ItemRow = Row[Any]


class Post(Protocol):
    """One record of the outside API, checked."""

    @property
    def external_id(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def user_id(self) -> int: ...


@dataclass(frozen=True)
class Upserted:
    added: int = 0
    changed: int = 0

    def __add__(self, other: Upserted) -> Upserted:
        return Upserted(self.added + other.added, self.changed + other.changed)


def add(connection: Connection, title: str, description: str | None) -> ItemRow:
    statement = (
        insert(Item)
        .values(title=title, description=description, created_at=func.now(), updated_at=func.now())
        .returning(*_COLUMNS)
        .add_cte(bumped(ITEMS))
    )
    return connection.execute(statement).one()


def find(connection: Connection, item_id: int) -> ItemRow | None:
    return connection.execute(select(*_COLUMNS).where(Item.id == item_id)).first()


def change(connection: Connection, item_id: int, **values: str | None) -> ItemRow | None:
    """Set columns of one item; None if there is no such item."""
    statement = (
        update(Item)
        .where(Item.id == item_id)
        .values(updated_at=func.now(), **values)
        .returning(*_COLUMNS)
        .add_cte(bumped(ITEMS))
    )
    return connection.execute(statement).first()


def remove(connection: Connection, item_id: int) -> bool:
    statement = delete(Item).where(Item.id == item_id).returning(Item.id).add_cte(bumped(ITEMS))
    return connection.execute(statement).first() is not None


def page(connection: Connection, *, limit: int, before: int | None, title: str | None) -> Sequence[ItemRow]:
    """Newest first: ids are given in the order of arrival."""
    conditions = _matching(title)
    if before is not None:
        conditions.append(Item.id < before)
    return connection.execute(select(*_COLUMNS).where(*conditions).order_by(Item.id.desc()).limit(limit)).all()


def count(connection: Connection, *, title: str | None) -> int:
    return int(connection.execute(select(func.count()).select_from(Item).where(*_matching(title))).scalar_one())


def _matching(title: str | None) -> list[ColumnElement[bool]]:
    return [] if title is None else [Item.title.icontains(title, autoescape=True)]


def _upsert_statement() -> Any:
    """Only what is new or different reaches the INSERT: an unchanged row is neither written nor locked."""
    posts = (
        func.unnest(
            bindparam("external_ids", type_=ARRAY(BigInteger)),
            bindparam("titles", type_=ARRAY(Text)),
            bindparam("bodies", type_=ARRAY(Text)),
            bindparam("user_ids", type_=ARRAY(BigInteger)),
        )
        .table_valued(
            column("external_id", BigInteger),
            column("title", Text),
            column("body", Text),
            column("user_id", BigInteger),
        )
        .render_derived("posts")
    )
    differs = or_(
        Item.title.is_distinct_from(posts.c.title),
        Item.body.is_distinct_from(posts.c.body),
        Item.user_id.is_distinct_from(posts.c.user_id),
    )
    wanted = (
        select(posts.c.external_id, posts.c.title, posts.c.body, posts.c.user_id, func.now(), func.now())
        .select_from(posts.outerjoin(Item, Item.external_id == posts.c.external_id))
        .where(or_(Item.id.is_(None), differs))
        .order_by(posts.c.external_id)
    )
    statement = upsert(Item).from_select(
        ["external_id", "title", "body", "user_id", "created_at", "updated_at"], wanted
    )
    written: ReturningInsert[Any] = statement.on_conflict_do_update(
        index_elements=[Item.external_id],
        set_={name: statement.excluded[name] for name in ("title", "body", "user_id", "updated_at")},
    ).returning(literal_column("(xmax = 0)").label("is_new"))
    rows = written.cte("written")
    return select(func.count().filter(rows.c.is_new), func.count().filter(~rows.c.is_new)).select_from(rows)


_UPSERT = _upsert_statement()


def upsert_posts(connection: Connection, posts: Sequence[Post]) -> Upserted:
    """Bring items up to date in one statement, each external id once. Call `mark_changed` once at the end."""
    added, changed = connection.execute(
        _UPSERT,
        {
            "external_ids": [post.external_id for post in posts],
            "titles": [post.title for post in posts],
            "bodies": [post.body for post in posts],
            "user_ids": [post.user_id for post in posts],
        },
    ).one()
    return Upserted(added, changed)


def mark_changed(connection: Connection) -> int:
    """The last statement of a transaction that wrote many items: the number's row stays locked until its end."""
    return int(connection.execute(select(bumped(ITEMS).c.number)).scalar_one())


def stored_posts(connection: Connection) -> int:
    """How many items came from outside."""
    return connection.execute(select(func.count(Item.external_id))).scalar_one()

"""How often a cached list has changed: a cached copy is good while its number is the newest committed one."""

from __future__ import annotations

from sqlalchemy import CTE, BigInteger, Connection, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

ITEMS = "items"


class CacheGeneration(Base):
    """One row a list, from its first change on."""

    __tablename__ = "cache_generations"

    name: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)

    # Rewritten by every change of the list.
    __table_args__ = ({"postgresql_with": {"fillfactor": "10"}},)


def generation(connection: Connection, name: str) -> int:
    number = connection.execute(select(CacheGeneration.number).where(CacheGeneration.name == name)).scalar()
    return int(number or 0)


def bumped(name: str) -> CTE:
    """To add to the statement that changes the list: the new number commits with the change, never apart from it."""
    statement = insert(CacheGeneration).values(name=name, number=1)
    counted = statement.on_conflict_do_update(
        index_elements=[CacheGeneration.name], set_={"number": CacheGeneration.number + 1}
    )
    return counted.returning(CacheGeneration.number).cte(f"bumped_{name}")

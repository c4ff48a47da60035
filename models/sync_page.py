"""What the last successful sync saw of the outside API, so that the next one need not read it again."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import BigInteger, Connection, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class SyncPage(Base):
    """A page and its ETag. Good only while the items are still as that sync left them: `generation` says so."""

    __tablename__ = "sync_pages"

    source: Mapped[str] = mapped_column(primary_key=True)
    page_size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    start: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    etag: Mapped[str]
    records: Mapped[int]
    generation: Mapped[int] = mapped_column(BigInteger)


def known_pages(connection: Connection, *, source: str, page_size: int, generation: int) -> list[tuple[int, str, int]]:
    """Start, ETag and number of records of each page that may be skipped if it has not changed outside."""
    rows = connection.execute(
        select(SyncPage.start, SyncPage.etag, SyncPage.records).where(
            SyncPage.source == source, SyncPage.page_size == page_size, SyncPage.generation == generation
        )
    )
    return [(row.start, row.etag, row.records) for row in rows]


def remember_pages(
    connection: Connection, pages: Iterable[tuple[int, str, int]], *, source: str, page_size: int, generation: int
) -> None:
    """Replace what was known."""
    connection.execute(delete(SyncPage))
    rows = [
        {
            "source": source,
            "page_size": page_size,
            "start": start,
            "etag": etag,
            "records": records,
            "generation": generation,
        }
        for start, etag, records in pages
    ]
    if rows:
        connection.execute(insert(SyncPage), rows)

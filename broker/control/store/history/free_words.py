"""What officers wrote in words of their own about a visit: marks and ratings of its recording, why it was cancelled,
extended, not booked again, or its absence decided so. The words may name people, so that they go with the names; codes,
articles, times and authors stay. A suspension keeps its words: it binds a person and has a term of its own."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.control.store.history.tables import visit_marks, visit_ratings
from broker.control.store.tables import absence_decisions, absences, extensions, rebookings, slots


async def forget_words(db: AsyncConnection, session: str) -> None:
    """Remove the words about one visit."""
    for table, words in (
        (visit_marks, {"text": "", "withdrawn_why": None}),
        (visit_ratings, {"text": ""}),
        (slots, {"cancel_reason": None}),
        (extensions, {"reason": ""}),
        (rebookings, {"reason": ""}),
    ):
        await db.execute(update(table).where(table.c.session == session).values(words))
    decided = select(absences.c.id).where(absences.c.session == session)
    await db.execute(update(absence_decisions).where(absence_decisions.c.absence.in_(decided)).values(reason=""))

"""Permits that officers give on the command line: purge, legal holds, the clock. An account gives one only when its
password is old enough by a clock that is believed, and a pair only when it counts as two people."""

from datetime import datetime, timedelta

from broker.authority.persons import Waits
from broker.kernel.errors import VisitError
from huijian.admin.context import AdminContext
from recorder.retention.clock_trust import mark_clock
from signaling.retention.purge_context import doubted


async def believed_now(admin: AdminContext) -> datetime:
    """Return the time as far as it is believed: a clock that was moved makes no account older."""
    await mark_clock(admin.store.engine, admin.store.clock)
    now, found = admin.store.clock.now().wall, await doubted(admin)
    return now if found is None else now - max(found.moved, timedelta(0))


async def check_permit(admin: AdminContext, user: str, other: str | None = None) -> None:
    """Check that an account may give a permit, and with the `other` account that has a part in it. A refusal is
    journaled. Raises CredentialTooNew, SamePerson, Forbidden or NotFound."""
    settings = admin.settings
    waits: Waits = await admin.store.waits(settings.second_person_hours, settings.break_glass_days)
    try:
        await admin.store.check_permit(user, waits, await believed_now(admin), other)
    except VisitError as error:
        await admin.note("CommandRefused", user=user, why=error.code)
        raise

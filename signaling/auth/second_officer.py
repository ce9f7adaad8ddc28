"""Permits over HTTP: an account gives one only when its password is old enough, and a pair of accounts only when it
counts as two people (`broker/authority/persons.py`)."""

from broker.authority.persons import Waits
from signaling.server.context import Context


async def waits_of(context: Context) -> Waits:
    """Return how long accounts and changes wait in this installation."""
    settings = context.settings
    return await context.store.waits(settings.second_person_hours, settings.break_glass_days)


async def check_permit(context: Context, user: str, other: str | None = None) -> None:
    """Check that an account may give a permit now, and with the `other` account that has a part in it.

    Raises CredentialTooNew, SamePerson or Forbidden.
    """
    await context.store.check_permit(user, await waits_of(context), context.now().wall, other or None)


async def check_key(context: Context, key: str) -> None:
    """Check that a booking system's key is old enough to bring an institution's word. Raises CredentialTooNew."""
    await context.store.check_key(key, await waits_of(context), context.now().wall)

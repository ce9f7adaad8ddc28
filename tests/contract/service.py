"""The application that is asked: the real one with store, journal and archive over the pretend broker of the tests of
signaling, with one thing of each kind. Its clock stands, its allowances are wide, and the credential of a run outlives
a sign-out: all three have tests of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from signaling.auth.scope import User
from signaling.budgets.allowance import BUDGETS, Allowance, Budget
from tests.support.signaling import fixtures
from tests.support.signaling.front import Front
from tests.support.signaling.things import one_of_each

Things = dict[str, list[str]]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Front, Things]]:
    """Run the application in an empty folder. Yields it, and the ids of what there is by their names in paths."""
    file = folder / "made.sqlite"
    with fixtures.cheap_passwords():
        tokens = await fixtures.make(f"sqlite+aiosqlite:///{file}")
        async with fixtures.running_front(folder, fixtures.clock_at_nine(), (file, tokens)) as front:
            things = await one_of_each(front, front.context.settings.archive_dir)
            front.context.allowance = Allowance({kind: Budget(1e12, 1e9) for kind in BUDGETS})
            front.context.credentials.sign_out = _stay
            listed = {name: [id] for name, id in things.items()}
            yield front, {**listed, "side": ["prison", "visitor"], "language": ["zh"]}


async def _stay(user: User) -> None:
    """Leave a sign-in as it is: all requests of a run carry one."""

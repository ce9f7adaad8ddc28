"""A writer that is killed leaves either all of its transaction or nothing, and no lock."""

import asyncio
import sys

from broker.control.journal.journal import Journal
from broker.control.store.records import SiteKind


class TestKilledWriter:
    async def test_leaves_no_part_of_its_transaction_and_others_go_on(self, places, url, clock):
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.control.half_writer", url, stdout=asyncio.subprocess.PIPE
        )
        assert await writer.stdout.readline() == b"writing\n"
        assert len(await places.sites()) == 2
        writer.kill()
        await writer.wait()
        await places.add_site("after", SiteKind.OFFICE, "司法所", "yunnan")
        assert {site.id for site in await places.sites()} == {"after", "first-prison", "panlong"}
        async with Journal(places.engine, clock) as journal:
            journal.note("site_added", None, "admin", {"site": "after"})
            await journal.flush()
            assert await journal.verify() is None

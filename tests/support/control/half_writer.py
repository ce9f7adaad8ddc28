"""A process of its own that writes in one long transaction and is killed in the middle of it.

Arguments: the database url. Prints `writing` when half of the work is in the open transaction.
"""

import asyncio
import sys

from sqlalchemy import insert

from broker.control.store.tables import sites
from broker.kernel.database import engine_for, writing


async def main(url):
    async with writing(engine_for(url)) as db:
        for number in range(1000):
            values = {"id": f"half-{number}", "kind": "prison", "name": "名称", "policy": "yunnan"}
            await db.execute(insert(sites).values(values))
        print("writing", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

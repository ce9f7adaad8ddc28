"""`python -m broker.relay NAME RUN_DIR HOST PORT [PUBLIC_ADDRESS ...]`: run one relay worker.

`huijian serve` starts it like this; on its own it waits for a broker. HOST may be several addresses, separated by
commas."""

import asyncio
import gc
import os
import sys
from pathlib import Path

from broker.relay.limits.full_collections import NEVER
from broker.relay.worker import main
from config.logs import configure

if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    os.umask(0o077)
    configure(os.environ.get("HUIJIAN_LOG_LEVEL", "info"))
    gc.set_threshold(*gc.get_threshold()[:2], NEVER)
    gc.freeze()  # modules live as long as the process: the collector need not visit them
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5:]))

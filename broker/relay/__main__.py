"""`python -m broker.relay NAME RUN_DIR HOST PORT [PUBLIC_ADDRESS ...]`: one relay worker.

`huijian serve` starts it so; on its own it waits for a broker. HOST may be several addresses with commas between."""

import asyncio
import gc
import os
import sys
from pathlib import Path

from broker.relay.worker import main
from config.logs import configure

if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    configure(os.environ.get("HUIJIAN_LOG_LEVEL", "info"))
    gc.freeze()  # what is loaded now lives as long as the process; the collector need not look at it again
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5:]))

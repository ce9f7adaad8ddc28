"""`python -m broker.relay.calibration`: measure forwarding for a second on loopback sockets, and print the cores that
a session costs here as JSON. `huijian serve` runs it at its first start on a machine."""

import gc
import json
import sys
import tempfile
from pathlib import Path

from broker.relay.calibration.forwarding import Trial, session_cores
from config.logs import configure

if __name__ == "__main__":
    configure("error")
    gc.freeze()  # as a worker does
    with tempfile.TemporaryDirectory(prefix="hj") as folder:
        micros = Trial(Path(folder)).run()
    json.dump({"cores": session_cores(micros), "micros": micros}, sys.stdout)

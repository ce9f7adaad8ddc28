"""`python -m signaling.journal`: make one export of the journal in a process of low priority. The order and the entries
come on standard input: reasons must not stand in the list of processes."""

import ctypes
import signal
import sys

from broker.kernel.priority import give_way

DEATH, NICE = 1, 5  # PR_SET_PDEATHSIG; as of export packages: it gives way, and is not starved

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(DEATH, signal.SIGKILL)
    give_way(NICE)
    from signaling.journal.program import main

    sys.exit(main())

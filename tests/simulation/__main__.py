"""`python -m tests.simulation --seed N` tells the story of a seed; `--seeds A:B` runs many."""

import sys

from tests.simulation.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

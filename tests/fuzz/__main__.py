"""`python -m tests.fuzz [INPUTS] [SEED]`: the long run of what `make test` does briefly."""

import sys

from tests.fuzz.run import main

main(sys.argv[1:])

"""`python -m tests.fuzz [INPUTS] [SEED]`: the long run of what `make test` does briefly."""

from tests.fuzz.run import main

main()

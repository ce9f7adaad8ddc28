"""The identity of a terminal on the terminal itself: a key whose private half never leaves it. Read `keys` (what a key
can do, and the one in a file), `tpm` (the one in a chip), `identity_file`, `enrolment` (once) and `sign_in` (at each
connect, and every few minutes)."""

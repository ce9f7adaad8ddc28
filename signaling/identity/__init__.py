"""The identity of terminals: a key on the terminal, a signed challenge at each connect, and what is done where one key
is used in two places (Yunnan 27(1)). Read `challenges`, `proofs` and `instances` (pure), then `sign_ins` (enrolment and
sign-in, answered by ingress), `admission` (a running program at its socket, in control), `routes`."""

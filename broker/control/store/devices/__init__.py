"""The identities of terminals in the store. Read `codes` (pure: how a one-time code is spelled), `terminals`
(enrolment, revocation, conflicts), then `sessions` (the credentials that a terminal gets for its signatures)."""

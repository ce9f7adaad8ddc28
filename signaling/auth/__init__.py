"""Identity and authority of callers. Read `scope` (roles and sites), `credentials` (tokens) and `session_expiry` (the
end of sign-ins), then `sign_ins` with its limits (`guesses`), its queue (`hashing_queue`, `hashing`), known browsers
(`devices`) and what is seen of an attack (`attacks`)."""

"""Identity and authority of callers. Read `scope` (roles and sites), `credentials` (sign-in and tokens), then
`rate_limit` and `session_expiry` (the end of sign-ins)."""

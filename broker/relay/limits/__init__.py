"""What one client, or a stranger, may cost a worker, pure: `rtcp_budget` and `media_budget` for clients,
`stun_rate_limit` and `tcp_places` for strangers; `refusals` counts what was dropped, by reason, and
`full_collections` says when a worker may stop for Python's garbage. The time that strangers
get is in `transport/poller`. Measured costs are in docs/operations.md."""

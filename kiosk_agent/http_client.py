"""The HTTP client of a terminal: it asks its server and no other address, and is soon connected again after a line was
cut."""

import aiohttp

from kiosk_agent.webrtc.peer import refuse_redirects

CONNECT_WITHIN = 1.5
"""Seconds to reach the server. Linux repeats an unanswered SYN after 1, 3 and 7 s: on a line that is back, a new try
finds the server sooner than one that waits."""
KEPT = 2.0
"""Seconds for which an unused connection is kept: one from before the cut would not answer."""
LONGEST = 300.0
"""Seconds of a whole request that sets no limit of its own."""


def http_client() -> aiohttp.ClientSession:
    """Return a client that uses no proxy of the environment, and follows no redirect."""
    return aiohttp.ClientSession(
        trust_env=False,
        middlewares=(refuse_redirects,),
        timeout=aiohttp.ClientTimeout(total=LONGEST, sock_connect=CONNECT_WITHIN),
        connector=aiohttp.TCPConnector(keepalive_timeout=KEPT),
    )

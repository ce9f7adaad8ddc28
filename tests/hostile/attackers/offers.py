"""Offers of attackers that have a credential: posted again while the service says that there are too many, because an
earlier attacker with the same credential may have used up what it may."""

import asyncio

import aiohttp

from tests.hostile.attackers.target import Target

PATIENCE = 40.0  # seconds until what an earlier attacker has opened is forgotten
AGAIN = 1.0


async def answered(target: Target, path: str, token: str, offer: str) -> str:
    """Post an offer and return the answer. Raises TimeoutError where the service does not take it."""
    headers = {"Authorization": target.filled(f"Bearer {token}"), "Content-Type": "application/sdp"}
    async with asyncio.timeout(PATIENCE):
        while True:
            async with (
                aiohttp.ClientSession(headers=headers) as http,
                http.post(target.url + target.filled(path), data=offer) as response,
            ):
                text = await response.text()
            if response.status == 201:
                return text
            assert response.status in (429, 503), text
            await asyncio.sleep(AGAIN)

"""The credentials that are valid now, by the digests that the database has of them: a list that is read again every few
seconds. A guessed token costs one SHA-256 and no query. Control checks each credential itself, so that a token which
was revoked a moment ago opens nothing."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from itertools import takewhile

import structlog

from broker.control.store.secrets import token_hash
from broker.control.store.store import Store
from broker.kernel.errors import NotSignedIn, StorageUnavailable, VisitError
from signaling.auth.credentials import LONGEST_TOKEN, Credentials
from signaling.auth.scope import Caller, author

log = structlog.get_logger("signaling")
REFRESH_SECONDS = 2.0
ADDRESSES = 4096
ADDRESS_SECONDS = 12 * 3600.0  # one long duty


class KnownTokens:
    """The authors of all valid tokens, and the addresses from which such tokens came lately."""

    def __init__(self, store: Store, credentials: Credentials) -> None:
        self._store, self._credentials = store, credentials
        self._authors: dict[str, str] = {}
        self._learned: dict[str, str] = {}
        """Tokens that were learned since the list was read last: the one being read may be without them."""
        self._addresses: OrderedDict[str, float] = OrderedDict()
        self._works = False

    async def run(self) -> None:
        """Read the list again and again until cancelled. While the database does not answer, the last list counts."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    async def refresh(self) -> None:
        """Read the list of valid tokens now."""
        self._learned = {}
        try:
            self._authors = {**await self._store.authors_by_token_hash(), **self._learned}
            self._works = True
        except StorageUnavailable as error:
            if self._works:
                log.warning("credentials not read", code=error.code)
            self._works = False

    def author_of(self, tokens: Iterable[str]) -> str | None:
        """Return the author of the first token that is in the list, None where none is."""
        for token in tokens:
            found = self._authors.get(token_hash(token)) if len(token) <= LONGEST_TOKEN else None
            if found is not None:
                return found
        return None

    async def look_up(self, tokens: Iterable[str]) -> str | None:
        """Return the author of a token that may be newer than the list, None for one that is not valid. Raises
        StorageUnavailable."""
        for token in tokens:
            try:
                found = author(await self._credentials.holder(token))
            except NotSignedIn:
                continue
            self._learn(token, found)
            return found
        return None

    def learn(self, caller: Caller) -> None:
        """Take in the token of a caller that has signed in just now, so that it needs no look-up, for which strangers'
        tokens queue, too."""
        self._learn(caller.token, author(caller))

    def _learn(self, token: str, found: str) -> None:
        self._authors[token_hash(token)] = self._learned[token_hash(token)] = found

    def came_from(self, address: str, now: float) -> None:
        """Remember the address of a valid token, among the latest ones."""
        self._addresses[address] = now
        self._addresses.move_to_end(address)
        if len(self._addresses) > ADDRESSES:
            self._addresses.popitem(last=False)

    def addresses_since(self, moment: float) -> list[str]:
        """Return the addresses from which a valid token has come after a moment."""
        later = takewhile(lambda seen: seen[1] > moment, reversed(self._addresses.items()))
        return [address for address, _ in later]

    def is_known(self, address: str, now: float) -> bool:
        """Whether a valid token has come from an address lately."""
        seen = self._addresses.get(address)
        return seen is not None and now - seen < ADDRESS_SECONDS


def storage_problem(error: Exception) -> VisitError:
    """Return the refusal for a lookup that failed."""
    return error if isinstance(error, VisitError) else StorageUnavailable()

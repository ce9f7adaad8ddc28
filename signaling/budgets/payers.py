"""The payer of a request, found before anything is looked up: the author whose token it carries, the author of its
connection where it carries none, else its address. Nothing here says that a token is valid."""

from collections import OrderedDict
from collections.abc import Iterable

from aiohttp import hdrs, web

from broker.control.store.secrets import token_hash
from signaling.auth.hashing_queue import network_of, place_of
from signaling.budgets.allowance import BUDGETS
from signaling.server.client_address import address
from signaling.server.cookies import SESSION, read_cookie
from signaling.server.taken_connection import payer_of

TOKENS = 20_000


class Payers:
    """The authors of tokens, as far as they have been seen."""

    def __init__(self) -> None:
        self._of_token: OrderedDict[str, str] = OrderedDict()

    def payer(self, request: web.Request) -> str:
        """Return the author that pays, or `address:...`."""
        token = sent_token(request)
        author = self._of_token.get(token_hash(token)) if token else author_of_connection(request)
        return author or f"address:{network_of(place_of(address(request)))}"

    def learn(self, token: str, author: str) -> None:
        """Note whose token a request has carried."""
        self._of_token[token_hash(token)] = author
        self._of_token.move_to_end(token_hash(token))
        if len(self._of_token) > TOKENS:
            self._of_token.popitem(last=False)

    def forget(self, tokens: Iterable[str]) -> None:
        """Drop tokens that are valid no more."""
        for token in tokens:
            self._of_token.pop(token_hash(token), None)


def author_of_connection(request: web.BaseRequest) -> str | None:
    """Return the author who opened a connection that ingress has handed over; None where no author is known."""
    payer = payer_of(request) or ""
    return payer if payer.partition(":")[0] in BUDGETS else None


def sent_token(request: web.Request) -> str:
    """Return the token that a request carries, unchecked, "" where it carries none."""
    header = request.headers.get(hdrs.AUTHORIZATION)
    if header is not None:
        return header.partition(" ")[2].strip()
    return read_cookie(request, SESSION)

"""Publications: one client per publisher, replaced by a newer one only once that is connected."""

from types import SimpleNamespace
from typing import Any

import pytest

from broker.kernel.errors import TooMany
from broker.relay.publications import REPLACED, Limit, Publication, Publications


class Session:
    """Publications by name; `log` is what they began and dropped, in order."""

    def __init__(self, limit: Limit | None = None) -> None:
        self.log: list[tuple[str, str]] = []
        self.publications: Publications[str] = Publications(self._begin, self._drop, limit)

    def _begin(self, publication: Publication[str]) -> None:
        self.log.append(("begin", publication.peer.resource))

    def _drop(self, peer: Any, reason: str) -> None:
        assert reason == REPLACED
        self.log.append(("drop", peer.resource))
        self.publications.remove(peer)

    def add(self, publisher: str, resource: str) -> Any:
        peer: Any = SimpleNamespace(resource=resource)
        self.publications.add(Publication(publisher, peer, {}))
        return peer


def test_a_newer_client_begins_before_the_older_one_is_dropped() -> None:
    session = Session()
    older, newer = session.add("prison", "r1"), session.add("prison", "r2")
    assert session.log == [("drop", "r1")], "an attempt that is not connected yet is dropped at once"
    older = session.add("visitor", "r3")
    session.publications.handle_ready(older)
    newer = session.add("visitor", "r4")
    session.publications.handle_ready(newer)
    assert session.log[1:] == [("begin", "r3"), ("begin", "r4"), ("drop", "r3")]
    current = session.publications.connected("visitor")
    assert current is not None and current.peer is newer


def test_the_publisher_is_there_while_a_client_is_connected_or_connecting() -> None:
    session = Session()
    peer = session.add("prison", "r1")
    assert "prison" in session.publications and session.publications.connected("prison") is None
    session.publications.handle_ready(peer)
    assert session.publications.peers() == [peer]
    removed = session.publications.remove(peer)
    assert removed is not None and removed.publisher == "prison"
    assert "prison" not in session.publications


def test_only_the_present_client_of_a_publisher_is_returned_when_it_ends() -> None:
    session = Session()
    older = session.add("prison", "r1")
    session.publications.handle_ready(older)
    newer = session.add("prison", "r2")
    assert session.publications.remove(newer) is None
    assert session.publications.remove(older) is not None
    assert session.publications.remove(older) is None


def test_a_client_of_another_part_of_the_session_is_ignored() -> None:
    session = Session()
    stranger: Any = SimpleNamespace(resource="r9")
    session.publications.handle_ready(stranger)
    assert session.log == [] and session.publications.remove(stranger) is None


def test_one_client_too_many_is_refused_with_the_text_of_the_limit() -> None:
    session = Session(Limit(2, "Too many microphones.", "插话连接数已达上限。"))
    session.add("li", "r1")
    session.publications.handle_ready(session.add("ma", "r2"))
    with pytest.raises(TooMany, match="Too many microphones"):
        session.add("he", "r3")

"""All sessions of a worker, and what must reach each of them even when one is broken: shutting gates at their moment,
and ending a session in which something failed, so that other sessions do not notice."""

import asyncio
from collections.abc import Callable, Iterator
from math import inf

import structlog

from broker.ipc.relay_messages import RelayFact, SessionFailed
from broker.kernel.ids import SessionId
from broker.kernel.tasks import Tasks
from broker.relay.session import RelaySession
from broker.relay.transport.peer import Peer

log = structlog.get_logger()


class RelaySessions:
    """The sessions of one worker, by id. `report` sends a fact up to the broker."""

    def __init__(self, report: Callable[[RelayFact], None]) -> None:
        self._report = report
        self._by_id: dict[SessionId, RelaySession] = {}
        self._byes = Tasks()
        self.ended = 0
        """How many were removed since the worker began."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[RelaySession]:
        """Iterate over a copy, as handling one session may end another."""
        return iter(list(self._by_id.values()))

    def get(self, session: SessionId) -> RelaySession | None:
        """Return the session of this id, if it is here."""
        return self._by_id.get(session)

    def add(self, session: RelaySession) -> None:
        """Add a session that was admitted."""
        self._by_id[session.session] = session

    def pop(self, session: SessionId) -> RelaySession | None:
        """Remove the session of this id and return it, if it is here."""
        found = self._by_id.pop(session, None)
        self.ended += found is not None
        return found

    # --- the gates' moments --------------------------------------------------------------------------------------

    def next_expiry(self) -> float:
        """Return the moment (monotonic s) when the next open gate shuts by itself."""
        return min((session.gate.shuts_at for session in self._by_id.values() if session.open_now), default=inf)

    def expire(self, now: float) -> float:
        """Shut the gates whose lease or limit has run out. Return the next such moment."""
        for session in self:
            try:
                session.expire(now)
            except Exception:
                self.fail(session)
        return self.next_expiry()

    def shut(self, now: float, reason: str) -> None:
        """Shut the gate of every session."""
        for session in self:
            try:
                session.shut(now, reason)
            except Exception:
                self.fail(session)

    # --- failures ------------------------------------------------------------------------------------------------

    def fail_with(self, peer: Peer | None) -> None:
        """End the session of `peer`, whose datagram raised; to be called from an except clause."""
        for session in self:
            if peer is not None and peer in session.peers():
                self.fail(session)
                return
        log.exception("the relay could not read a datagram")

    def fail(self, session: RelaySession) -> None:
        """End a session in which something failed, at once; to be called from an except clause."""
        log.exception("session failed in the relay", session=session.session)
        self.pop(session.session)
        session.gate.shut()
        for track in session.all_tracks():
            track.plan = []  # nothing more is sent, whatever raises below
        peers = session.peers()
        for peer in peers:
            _close(peer)
        self._report(SessionFailed(session=session.session))
        self._byes.spawn(_send_byes(peers))


def _close(peer: Peer) -> None:
    try:
        peer.close()
    except Exception:
        log.exception("client of a failed session could not be ended", resource=peer.resource)


async def _send_byes(peers: list[Peer]) -> None:
    await asyncio.gather(*(peer.send_bye() for peer in peers), return_exceptions=True)

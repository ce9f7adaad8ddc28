"""A relay worker: one process, one port number, many sessions. The broker says over a unix socket what may happen; the
worker says back what does. It ends by itself when its parent is gone (its standard input closes)."""

import asyncio
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from broker.ipc import members
from broker.ipc.server import Connection, Server
from broker.kernel.clock import monotonic, monotonic_ns
from broker.kernel.errors import BadRequest, NoSlot, NotFound, RecorderUnavailable, RelayUnavailable, TooMany
from broker.kernel.ids import ResourceId, SessionId, new_id
from broker.kernel.lifeline import parent_gone
from broker.media.sdp import Offer, parse_offer
from broker.media.tap_format import ANEW, VOICE
from broker.relay import stats
from broker.relay.fanout import Fanout
from broker.relay.negotiation import answer as answer_module
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.negotiation.trickle import answer_fragment, parse_fragment
from broker.relay.rtp import talkback
from broker.relay.session import RelaySession
from broker.relay.tap import Tap
from broker.relay.timers import Timers, counts
from broker.relay.transport.demux import Demux
from broker.relay.transport.dtls import Certificate
from broker.relay.transport.peer import Peer
from broker.relay.transport.poller import Poller
from broker.relay.transport.tcp import Listener
from broker.relay.transport.udp import open_ports

log = structlog.get_logger()
DRAIN = 1.5  # seconds for goodbyes when told to stop; a supervisor waits little longer than two
MAX_ROOMS, MAX_PEERS, MAX_CONNECTING = 200, 2000, 200


class Worker:
    """Everything of one worker process."""

    def __init__(self, name: str, run_dir: Path, bind: tuple[str, int], public: list[str]) -> None:
        self.name, self._run_dir = name, run_dir
        self._certificate = Certificate()
        hosts = bind[0].split(",")
        self._sockets = open_ports(hosts, bind[1])
        self._addresses = tuple((address, self._sockets.port) for address in public or hosts)
        self._tap = Tap()
        self._doorway = Demux()
        self._fanout = Fanout(self._sockets.udp[0], self._tap, self._doorway.take)
        self._listener = Listener(self._fanout)
        self._rooms: dict[SessionId, RelaySession] = {}
        self._stopping = asyncio.Event()
        self._server = Server(run_dir / f"{name}.sock", "relay", self._handlers(), self._greet, self._hush)
        self._caretaker = Timers(self._rooms, self._fanout, self._doorway, self._tap, self._server.tell)

    async def run(self) -> None:
        """Work until told to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        lifeline = asyncio.create_task(parent_gone(self._stopping))
        await self._server.start()
        paces = [Poller(sock, self._fanout.drain) for sock in self._sockets.udp]
        await self._listener.start(self._sockets.tcp)
        tick = asyncio.create_task(self._caretaker.run())
        tick.add_done_callback(lambda _: self._stopping.set())  # without it nobody is looked after: rather begin anew
        log.info("relay worker ready", worker=self.name, port=self._addresses[0][1])
        await self._stopping.wait()
        await self._drain()
        for task in (tick, lifeline):
            task.cancel()
        await asyncio.gather(tick, lifeline, return_exceptions=True)
        await self._listener.close()
        for pace in paces:
            pace.close()
        self._sockets.close()
        await self._server.close()
        self._tap.close()

    async def _drain(self) -> None:
        """Nobody new comes in, every gate shuts at once, and everybody is told goodbye; who keeps us waiting is left.
        Visits are not waited for: they are held, and go on at another worker or at the next one here."""
        self._caretaker.shut(monotonic(), "relay stopping")
        closing = [asyncio.create_task(room.close(monotonic())) for room in self._rooms.values()]
        if closing:
            await asyncio.wait(closing, timeout=DRAIN)

    def _handlers(self) -> dict[str, Any]:
        return {
            "admit": self._admit,
            "publish": self._publish,
            "subscribe": self._subscribe,
            "publish_voice": self._publish_voice,
            "listen": self._listen,
            "voice": self._voice,
            "restart": self._restart,
            "drop": self._drop,
            "lease": self._lease,
            "extend": self._extend,
            "shut": self._shut,
            "deadline": self._deadline,
            "record": self._record,
            "keyframe": self._keyframe,
            "close": self._close,
            "status": self._status,
        }

    def _greet(self, connection: Connection) -> None:
        """A broker has connected, perhaps a new one: tell it what holds."""
        for room in self._rooms.values():
            room.repeat(connection.tell)
        connection.tell("ready", worker=self.name)

    # --- requests ----------------------------------------------------------------------------------------------

    def _room(self, given: dict[str, Any]) -> RelaySession:
        room = self._rooms.get(SessionId(members.text(given, "session")))
        if room is None:
            raise NoSlot("The relay has not admitted this session.", "转发服务未接纳该会见。")
        return room

    async def _admit(self, given: dict[str, Any]) -> dict[str, Any]:
        session, tap = SessionId(members.text(given, "session")), int(members.number(given, "tap"))
        if not 0 <= tap < 1 << 32:
            raise BadRequest("tap must fit into 32 bits")
        if session not in self._rooms:
            self._refuse_when_stopping()
            if len(self._rooms) >= MAX_ROOMS:
                raise TooMany("This worker has no room for another session.")
            room = self._rooms[session] = RelaySession(session, tap, self._server.tell, self._caretaker.schedule)
            room.floor.mark = lambda: self._mark(tap)
        return {"port": self._addresses[0][1]}

    async def _publish(self, given: dict[str, Any]) -> dict[str, Any]:
        room, side, who = self._room(given), members.side(given), members.text(given, "who")
        offer = parse_offer(members.text(given, "sdp"))
        return self._connect(
            offer,
            lambda endpoint: answer_module.answer_publisher(offer, endpoint, random.getrandbits(53)),
            lambda peer, terms: room.publish(side, who, peer, terms),
        )

    async def _subscribe(self, given: dict[str, Any]) -> dict[str, Any]:
        room, side, who = self._room(given), members.side(given), members.text(given, "who")
        gated, offer = members.flag(given, "gated"), parse_offer(members.text(given, "sdp"))
        tracks = room.tracks[side].items()
        streams = {kind: answer_module.Stream(track.ssrc_out, track.cname, track.rtx_out) for kind, track in tracks}
        return self._connect(
            offer,
            lambda endpoint: answer_module.answer_watcher(offer, endpoint, random.getrandbits(53), streams),
            lambda peer, terms: room.watch(side, who, gated, peer, terms),
        )

    # --- officers who speak in ---------------------------------------------------------------------------------

    async def _publish_voice(self, given: dict[str, Any]) -> dict[str, Any]:
        """An officer's microphone, which nobody hears until `voice` says so."""
        room, who = self._room(given), members.text(given, "who")
        offer = parse_offer(members.text(given, "sdp"))
        return self._connect(
            offer,
            lambda endpoint: answer_module.answer_publisher(offer, endpoint, random.getrandbits(53), talkback.KINDS),
            lambda peer, terms: room.floor.publish(who, peer, terms["audio"]),
        )

    async def _listen(self, given: dict[str, Any]) -> dict[str, Any]:
        """The kiosk of a room, or an officer where no `side` is named, will get what is meant for it."""
        room, who = self._room(given), members.text(given, "who")
        side = members.side(given) if given.get("side") is not None else None
        offer = parse_offer(members.text(given, "sdp"))
        track = room.floor.track  # its name is the same for all who speak: rooms learn nobody's
        streams = {"audio": answer_module.Stream(track.ssrc_out, track.cname, track.rtx_out)}
        return self._connect(
            offer,
            lambda endpoint: answer_module.answer_watcher(
                offer, endpoint, random.getrandbits(53), streams, talkback.KINDS
            ),
            lambda peer, terms: room.floor.listen(side, who, peer, terms["audio"]),
        )

    async def _voice(self, given: dict[str, Any]) -> dict[str, Any]:
        """Let `who` speak to `sides`; without sides nobody speaks any more."""
        room, sides = self._room(given), members.sides(given, "sides")
        if sides:
            room.floor.open(members.text(given, "who"), sides, monotonic())
        else:
            room.floor.shut(monotonic(), str(given.get("why", "")))
        return {}

    def _hush(self) -> None:
        """No broker any more: nobody could end what is being said."""
        for room in self._rooms.values():
            room.floor.shut(monotonic(), "broker gone")

    def _mark(self, tap: int) -> None:
        self._tap.put(tap, VOICE, ANEW, monotonic_ns(), b"")
        self._tap.flush()

    def _refuse_when_stopping(self) -> None:
        if self._stopping.is_set():
            raise RelayUnavailable("This worker is stopping.", "转发进程正在停止。")

    def _connect(
        self,
        offer: Offer,
        answer: Callable[[answer_module.Endpoint], answer_module.Agreed],
        attach: Callable[[Peer, dict[str, CodecParams]], object],
    ) -> dict[str, Any]:
        self._refuse_when_stopping()
        peers, connecting = self._doorway.counts()
        if peers >= MAX_PEERS or connecting >= MAX_CONNECTING:
            raise TooMany("The relay is full.", "转发服务连接数已达上限。")
        server = offer.setup != "passive"
        resource = ResourceId(new_id("r"))
        peer = Peer(resource, self._fanout, self._certificate, server, offer.fingerprint, monotonic())
        endpoint = answer_module.Endpoint(self._addresses, *peer.ice.credentials, self._certificate.fingerprint)
        agreed = answer(endpoint)
        attach(peer, agreed.params)
        self._doorway.expect(peer)
        return {"resource": resource, "sdp": agreed.answer}

    async def _restart(self, given: dict[str, Any]) -> dict[str, Any]:
        """New ICE credentials for a client; what it has goes on until it comes with them."""
        room, resource = self._room(given), members.text(given, "resource")
        peer = next((one for one in room.peers() if one.resource == resource), None)
        if peer is None:
            raise NotFound("There is no such resource.")
        asked = parse_fragment(members.text(given, "fragment"))
        endpoint = answer_module.Endpoint(self._addresses, *peer.ice.restart(), self._certificate.fingerprint)
        self._doorway.expect(peer)
        return {"fragment": answer_fragment(asked, endpoint)}

    async def _drop(self, given: dict[str, Any]) -> dict[str, Any]:
        if not self._room(given).drop(ResourceId(members.text(given, "resource")), "closed on request"):
            raise NotFound("There is no such resource.")
        return {}

    async def _lease(self, given: dict[str, Any]) -> dict[str, Any]:
        self._refuse_when_stopping()
        until, deadline, limit = (members.number(given, name) for name in ("until", "deadline", "limit"))
        if not limit > 0:
            raise BadRequest("a lease needs a limit")
        crossed = members.number(given, "crossed") if given.get("crossed") is not None else None
        self._room(given).lease(monotonic(), until, deadline, limit, members.sides(given, "muted"), crossed)
        self._caretaker.schedule()
        return {}

    async def _extend(self, given: dict[str, Any]) -> dict[str, Any]:
        """An approval made before the limit (Yunnan 14): the only order that puts the end off."""
        made, limit, deadline = (members.number(given, name) for name in ("made", "limit", "deadline"))
        taken = self._room(given).extend(monotonic(), made, limit, deadline)
        self._caretaker.schedule()
        return {"taken": taken}

    async def _shut(self, given: dict[str, Any]) -> dict[str, Any]:
        self._room(given).shut(monotonic(), str(given.get("why", "")))
        return {}

    async def _deadline(self, given: dict[str, Any]) -> dict[str, Any]:
        gate = self._room(given).gate
        gate.stop = min(gate.stop, members.number(given, "deadline"))
        self._caretaker.schedule()
        return {}

    async def _record(self, given: dict[str, Any]) -> dict[str, Any]:
        room = self._room(given)
        on = members.flag(given, "on")
        if on and not self._tap.connect(Path(members.text(given, "socket"))):
            raise RecorderUnavailable("The recorder does not take packets.", "录制服务未接收媒体。")
        room.record(on)
        return {}

    async def _keyframe(self, given: dict[str, Any]) -> dict[str, Any]:
        """The recorder cannot write on without one."""
        self._room(given).tracks[members.side(given)]["video"].want_keyframe()
        return {}

    async def _close(self, given: dict[str, Any]) -> dict[str, Any]:
        """End a session; the answer counts what went through it."""
        room = self._rooms.pop(SessionId(members.text(given, "session")), None)
        if room is None:
            return {}
        sides = counts(room)
        await room.close(monotonic())
        self._caretaker.schedule()
        return {"sides": sides}

    async def _status(self, given: dict[str, Any]) -> dict[str, Any]:
        fanout = self._fanout
        return {
            "worker": self.name,
            "port": self._addresses[0][1],
            "rooms": len(self._rooms),
            "peers": self._doorway.counts()[0],
            "received": fanout.received,
            "forwarded": fanout.forwarded,
            "octets_in": fanout.octets_in,
            "octets_out": fanout.octets_out,
            "dropped": fanout.dropped,
            "rejected": fanout.rejected,
            "tapped": self._tap.sent,
            "tap_lost": self._tap.lost,
            "latency": fanout.latency.histogram.told(),
            **stats.of_process(),
        }


async def main(name: str, run_dir: Path, host: str, port: int, public: list[str]) -> None:
    """Run one worker until it is told to stop."""
    await Worker(name, run_dir, (host, port), public).run()

"""A relay worker: one process, one port number, many sessions. The broker commands it over a unix socket, and the
worker reports facts. It ends by itself when its parent is gone (its standard input closes)."""

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
from broker.media.sdp_fragment import parse_fragment
from broker.media.tap_format import ANEW, TALKBACK
from broker.relay import stats, talkback
from broker.relay.fanout import Fanout
from broker.relay.negotiation import answer as answer_module
from broker.relay.negotiation.answer import answer_fragment
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.session import RelaySession
from broker.relay.sessions import RelaySessions
from broker.relay.tap import Tap
from broker.relay.timers import Timers
from broker.relay.track import Track
from broker.relay.transport.demux import Demux
from broker.relay.transport.dtls import Certificate
from broker.relay.transport.peer import Peer
from broker.relay.transport.poller import Poller
from broker.relay.transport.tcp import Listener
from broker.relay.transport.udp import open_ports

log = structlog.get_logger()
DRAIN = 1.5  # seconds for goodbyes on a stop signal; the supervisor process waits for two
MAX_SESSIONS, MAX_PEERS, MAX_CONNECTING = 200, 2000, 200


class Worker:
    """One worker process: its sockets, its sessions, and the commands that it obeys."""

    def __init__(self, name: str, run_dir: Path, bind: tuple[str, int], public: list[str]) -> None:
        self.name, self._run_dir = name, run_dir
        self._certificate = Certificate()
        hosts = bind[0].split(",")
        self._sockets = open_ports(hosts, bind[1])
        self._addresses = tuple((address, self._sockets.port) for address in public or hosts)
        self._tap = Tap()
        self._demux = Demux()
        self._stopping = asyncio.Event()
        self._server = Server(run_dir / f"{name}.sock", "relay", self._handlers(), self._greet, self._stop_talkback)
        self._sessions = RelaySessions(self._server.tell)
        self._fanout = Fanout(
            self._sockets.udp[0], self._tap, self._demux.take, self._sessions.expire, self._sessions.fail_with
        )
        self._listener = Listener(self._fanout)
        self._timers = Timers(self._sessions, self._fanout, self._demux, self._tap, self._server.tell)

    async def run(self) -> None:
        """Work until a signal or the end of the parent process."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        lifeline = asyncio.create_task(parent_gone(self._stopping))
        await self._server.start()
        pollers = [Poller(sock, self._fanout.drain) for sock in self._sockets.udp]
        await self._listener.start(self._sockets.tcp)
        tick = asyncio.create_task(self._timers.run())
        tick.add_done_callback(lambda _: self._stopping.set())  # without regular work a restart is better
        log.info("relay worker ready", worker=self.name, port=self._addresses[0][1])
        await self._stopping.wait()
        await self._drain()
        for task in (tick, lifeline):
            task.cancel()
        await asyncio.gather(tick, lifeline, return_exceptions=True)
        await self._listener.close()
        for poller in pollers:
            poller.close()
        self._sockets.close()
        await self._server.close()
        self._tap.close()

    async def _drain(self) -> None:
        """Shut every gate at once and say goodbye to all clients, within DRAIN; no new one is taken.

        Visits are not waited for: they are held, and go on at another worker or at the next one here."""
        self._sessions.shut(monotonic(), "relay stopping")
        closing = [asyncio.create_task(session.close(monotonic())) for session in self._sessions]
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
        """Report what holds to a broker that has connected, perhaps a new one."""
        for session in self._sessions:
            session.repeat(connection.tell)
        connection.tell("ready", worker=self.name)

    # --- requests ----------------------------------------------------------------------------------------------

    def _session(self, command: dict[str, Any]) -> RelaySession:
        session = self._sessions.get(SessionId(members.text(command, "session")))
        if session is None:
            raise NoSlot("The relay has not admitted this session.", "转发服务未接纳该会见。")
        return session

    async def _admit(self, command: dict[str, Any]) -> dict[str, Any]:
        session, tap = SessionId(members.text(command, "session")), int(members.number(command, "tap"))
        if not 0 <= tap < 1 << 32:
            raise BadRequest("tap must fit into 32 bits")
        if self._sessions.get(session) is None:
            self._refuse_when_stopping()
            if len(self._sessions) >= MAX_SESSIONS:
                raise TooMany("This worker has no room for another session.")
            self._sessions.add(
                RelaySession(session, tap, self._server.tell, self._timers.schedule, lambda: self._mark(tap))
            )
        return {"port": self._addresses[0][1]}

    async def _publish(self, command: dict[str, Any]) -> dict[str, Any]:
        session, side = self._session(command), members.side(command)
        members.text(command, "who")
        offer = parse_offer(members.text(command, "sdp"))
        return self._connect(
            session,
            offer,
            lambda endpoint: answer_module.answer_publisher(offer, endpoint, random.getrandbits(53)),
            lambda peer, params: session.publish(side, peer, params),
        )

    async def _subscribe(self, command: dict[str, Any]) -> dict[str, Any]:
        session, side, client = self._session(command), members.side(command), members.text(command, "who")
        gated, offer = members.flag(command, "gated"), parse_offer(members.text(command, "sdp"))
        streams = {kind: _stream(track) for kind, track in session.tracks[side].items()}
        return self._connect(
            session,
            offer,
            lambda endpoint: answer_module.answer_watcher(offer, endpoint, random.getrandbits(53), streams),
            lambda peer, params: session.subscribe(side, client, gated, peer, params),
        )

    # --- talkback ----------------------------------------------------------------------------------------------

    async def _publish_voice(self, command: dict[str, Any]) -> dict[str, Any]:
        """Connect an officer's microphone, which is heard only after `voice`."""
        session, officer = self._session(command), members.text(command, "who")
        offer = parse_offer(members.text(command, "sdp"))
        return self._connect(
            session,
            offer,
            lambda endpoint: answer_module.answer_publisher(offer, endpoint, random.getrandbits(53), talkback.KINDS),
            lambda peer, params: session.talkback.publish(officer, peer, params),
        )

    async def _listen(self, command: dict[str, Any]) -> dict[str, Any]:
        """Connect the kiosk of a room, or an officer where no `side` is named, which gets talkback meant for it."""
        session, client = self._session(command), members.text(command, "who")
        side = members.side(command) if command.get("side") is not None else None
        offer = parse_offer(members.text(command, "sdp"))
        streams = {"audio": _stream(session.talkback.track)}  # the same for all officers: rooms learn no name
        return self._connect(
            session,
            offer,
            lambda endpoint: answer_module.answer_watcher(
                offer, endpoint, random.getrandbits(53), streams, talkback.KINDS
            ),
            lambda peer, params: session.talkback.subscribe(side, client, peer, params),
        )

    async def _voice(self, command: dict[str, Any]) -> dict[str, Any]:
        """Let the officer `who` speak to `sides`; without sides, end the present officer's turn."""
        session, sides = self._session(command), members.sides(command, "sides")
        if sides:
            session.talkback.start(members.text(command, "who"), sides, monotonic())
        else:
            session.talkback.stop(monotonic(), str(command.get("why", "")))
        return {}

    def _stop_talkback(self) -> None:
        """End all turns, as no broker is connected that could end them."""
        for session in self._sessions:
            session.talkback.stop(monotonic(), "broker gone")

    def _mark(self, tap: int) -> None:
        """Record that talkback begins anew."""
        self._tap.put(tap, TALKBACK, ANEW, monotonic_ns(), b"")
        self._tap.flush()

    def _refuse_when_stopping(self) -> None:
        if self._stopping.is_set():
            raise RelayUnavailable("This worker is stopping.", "转发进程正在停止。")

    def _connect(
        self,
        session: RelaySession,
        offer: Offer,
        answer: Callable[[answer_module.Endpoint], answer_module.Agreed],
        attach: Callable[[Peer, dict[str, CodecParams]], object],
    ) -> dict[str, Any]:
        self._refuse_when_stopping()
        peers, connecting = self._demux.counts()
        if peers >= MAX_PEERS or connecting >= MAX_CONNECTING:
            raise TooMany("The relay is full.", "转发服务连接数已达上限。")
        server = offer.setup != "passive"
        resource = ResourceId(new_id("r"))
        peer = Peer(
            resource,
            session,
            self._fanout.by_address,
            self._fanout.send,
            self._certificate,
            server,
            offer.fingerprint,
            monotonic(),
        )
        endpoint = answer_module.Endpoint(self._addresses, *peer.ice.credentials, self._certificate.fingerprint)
        agreed = answer(endpoint)
        attach(peer, agreed.params)
        self._demux.expect(peer)
        return {"resource": resource, "sdp": agreed.answer}

    async def _restart(self, command: dict[str, Any]) -> dict[str, Any]:
        """Issue new ICE credentials to a client; its media goes on until it sends checks with them."""
        peer = self._peer(command)
        asked = parse_fragment(members.text(command, "fragment"))
        endpoint = answer_module.Endpoint(self._addresses, *peer.ice.restart(), self._certificate.fingerprint)
        self._demux.expect(peer)
        return {"fragment": answer_fragment(asked, endpoint)}

    async def _drop(self, command: dict[str, Any]) -> dict[str, Any]:
        self._peer(command).give_up("closed on request")
        return {}

    def _peer(self, command: dict[str, Any]) -> Peer:
        peer = self._session(command).peer(ResourceId(members.text(command, "resource")))
        if peer is None:
            raise NotFound("There is no such resource.")
        return peer

    async def _lease(self, command: dict[str, Any]) -> dict[str, Any]:
        self._refuse_when_stopping()
        until, deadline, limit = (members.number(command, name) for name in ("until", "deadline", "limit"))
        if not limit > 0:
            raise BadRequest("a lease needs a limit")
        crossed = members.number(command, "crossed") if command.get("crossed") is not None else None
        self._session(command).lease(monotonic(), until, deadline, limit, members.sides(command, "muted"), crossed)
        self._timers.schedule()
        return {}

    async def _extend(self, command: dict[str, Any]) -> dict[str, Any]:
        """Apply an approval made before the limit (Yunnan 14): the only command that puts the end off."""
        made, limit, deadline = (members.number(command, name) for name in ("made", "limit", "deadline"))
        taken = self._session(command).extend(monotonic(), made, limit, deadline)
        self._timers.schedule()
        return {"taken": taken}

    async def _shut(self, command: dict[str, Any]) -> dict[str, Any]:
        self._session(command).shut(monotonic(), str(command.get("why", "")))
        return {}

    async def _deadline(self, command: dict[str, Any]) -> dict[str, Any]:
        gate = self._session(command).gate
        gate.stop = min(gate.stop, members.number(command, "deadline"))
        self._timers.schedule()
        return {}

    async def _record(self, command: dict[str, Any]) -> dict[str, Any]:
        session = self._session(command)
        on = members.flag(command, "on")
        if on and not self._tap.connect(Path(members.text(command, "socket"))):
            raise RecorderUnavailable("The recorder does not take packets.", "录制服务未接收媒体。")
        session.record(on)
        return {}

    async def _keyframe(self, command: dict[str, Any]) -> dict[str, Any]:
        """Ask a side's publisher for a keyframe, which the recorder needs to write on."""
        self._session(command).tracks[members.side(command)]["video"].request_keyframe()
        return {}

    async def _close(self, command: dict[str, Any]) -> dict[str, Any]:
        """End a session, and answer with the counts of what went through it."""
        session = self._sessions.pop(SessionId(members.text(command, "session")))
        if session is None:
            return {}
        sides = session.counts()
        await session.close(monotonic())
        self._timers.schedule()
        return {"sides": sides}

    async def _status(self, command: dict[str, Any]) -> dict[str, Any]:
        fanout = self._fanout
        return {
            "worker": self.name,
            "port": self._addresses[0][1],
            "rooms": len(self._sessions),
            "peers": self._demux.counts()[0],
            "received": fanout.received,
            "forwarded": fanout.forwarded,
            "octets_in": fanout.octets_in,
            "octets_out": fanout.octets_out,
            "dropped": fanout.dropped,
            "rejected": fanout.rejected,
            "tapped": self._tap.sent,
            "tap_lost": self._tap.lost,
            "latency": fanout.latency.histogram.to_json(),
            **stats.process_usage(),
        }


def _stream(track: Track) -> answer_module.Stream:
    return answer_module.Stream(track.ssrc_out, track.cname, track.rtx_out)


async def main(name: str, run_dir: Path, host: str, port: int, public: list[str]) -> None:
    """Run one worker until a signal or the end of the parent process."""
    await Worker(name, run_dir, (host, port), public).run()

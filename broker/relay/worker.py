"""A relay worker: one process, one port number, many sessions. The broker commands it over a unix socket, and the
worker reports facts. It ends by itself when its parent is gone (its standard input closes)."""

import asyncio
import gc
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from broker.ipc import relay_messages as messages
from broker.ipc.messages import Command, Done, Handler
from broker.ipc.server import Connection, Server
from broker.kernel.clock import monotonic, monotonic_ns
from broker.kernel.errors import NoSlot, NotFound, RecorderUnavailable, RelayUnavailable, TooMany
from broker.kernel.ids import ResourceId, SessionId, new_id
from broker.kernel.lifeline import parent_gone
from broker.kernel.tasks import Tasks
from broker.media.sdp import Offer, parse_offer
from broker.media.sdp_fragment import parse_fragment
from broker.media.tap_format import ANEW, TALKBACK
from broker.relay import stats, talkback
from broker.relay.congestion.load_shedding import LoadShedding
from broker.relay.fanout import Fanout
from broker.relay.limits.full_collections import FullCollections
from broker.relay.limits.refusals import Reason
from broker.relay.line_tests.loop import SECONDS, LineTest
from broker.relay.negotiation import answer as answer_module
from broker.relay.negotiation.answer import answer_fragment
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.session import RelaySession
from broker.relay.sessions import RelaySessions
from broker.relay.tap import Tap
from broker.relay.timers import Timers
from broker.relay.track import Track
from broker.relay.transport.connected import ConnectedPorts, SharedPort
from broker.relay.transport.demux import Demux
from broker.relay.transport.dtls import Certificate
from broker.relay.transport.peer import Peer
from broker.relay.transport.poller import BusyTime, Poller
from broker.relay.transport.tcp import Listener
from broker.relay.transport.udp import allow_descriptors, open_ports

log = structlog.get_logger()
DRAIN = 1.5  # seconds for BYE and close_notify to all clients on a stop signal; the supervisor process waits for two
MAX_SESSIONS, MAX_PEERS, MAX_CONNECTING = 200, 2000, 200


class Worker:
    """One worker process: its sockets, its sessions, and the commands that it obeys."""

    def __init__(self, name: str, run_dir: Path, bind: tuple[str, int], public: list[str]) -> None:
        self.name, self._run_dir = name, run_dir
        self._certificate = Certificate()
        hosts = bind[0].split(",")
        allow_descriptors()
        self._sockets = open_ports(hosts, bind[1])
        self._connected = ConnectedPorts([SharedPort(sock) for sock in self._sockets.udp])
        self._addresses = tuple((address, self._sockets.port) for address in public or hosts)
        self._tap = Tap()
        self._demux = Demux(self._connected.own)
        self._stopping, self._collections = asyncio.Event(), FullCollections()
        self._server = Server(
            run_dir / f"{name}.sock", messages.RELAY, self.handlers(), self._greet, self._stop_talkback
        )
        self._sessions = RelaySessions(self._server.report)
        self._line_tests = Tasks()
        self._fanout = Fanout(self._tap, self._demux.take, self._sessions.expire, self._sessions.fail_with)
        self._listener = Listener(self._fanout)
        self._busy = BusyTime()
        self._shedding = LoadShedding(self._sessions, self._demux, self._fanout.latency, self._busy)
        self._timers = Timers(
            self._sessions, self._fanout, self._shedding.tick, self._sweep, self._tap, self._server.report
        )

    async def run(self) -> None:
        """Work until a signal or the end of the parent process."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        lifeline = asyncio.create_task(parent_gone(self._stopping))
        await self._server.start()
        poller = Poller(self._fanout, self._connected, self._busy)
        self._listener.start(self._sockets.tcp)
        tick = asyncio.create_task(self._timers.run())
        tick.add_done_callback(lambda _: self._stopping.set())  # without regular work a restart is better
        log.info("relay worker ready", worker=self.name, port=self._addresses[0][1])
        await self._stopping.wait()
        await self._drain()
        await self._line_tests.close()
        for task in (tick, lifeline):
            task.cancel()
        await asyncio.gather(tick, lifeline, return_exceptions=True)
        await self._listener.close()
        poller.close()
        self._connected.close()
        self._sockets.close()
        await self._server.close()
        self._tap.close()

    async def _drain(self) -> None:
        """Shut every gate at once and end all clients with BYE, within DRAIN; no new client is accepted.

        Visits are not waited for: they are held, and go on at another worker or at the next one here."""
        self._sessions.shut(monotonic(), "relay stopping")
        closing = [asyncio.create_task(session.close(monotonic())) for session in self._sessions]
        if closing:
            await asyncio.wait(closing, timeout=DRAIN)

    def handlers(self) -> dict[type[Command[Any]], Handler]:
        """Return the method for each command of a relay worker."""
        return dict(
            (
                messages.AdmitSession.handled_by(self.handle_admit_session),
                messages.CloseSession.handled_by(self.handle_close_session),
                messages.TapSession.handled_by(self.handle_tap_session),
                messages.RequestKeyframe.handled_by(self.handle_request_keyframe),
                messages.Publish.handled_by(self.handle_publish),
                messages.Subscribe.handled_by(self.handle_subscribe),
                messages.PublishTalkback.handled_by(self.handle_publish_talkback),
                messages.SubscribeTalkback.handled_by(self.handle_subscribe_talkback),
                messages.RestartIce.handled_by(self.handle_restart_ice),
                messages.DropResource.handled_by(self.handle_drop_resource),
                messages.LeaseGate.handled_by(self.handle_lease_gate),
                messages.ShutGate.handled_by(self.handle_shut_gate),
                messages.SetDeadline.handled_by(self.handle_set_deadline),
                messages.ExtendLimit.handled_by(self.handle_extend_limit),
                messages.OpenTalkback.handled_by(self.handle_open_talkback),
                messages.CloseTalkback.handled_by(self.handle_close_talkback),
                messages.GetStatus.handled_by(self.handle_get_status),
            )
        )

    def _greet(self, connection: Connection[messages.RelayFact]) -> None:
        """Report what holds to a broker that has connected, perhaps a new one."""
        for session in self._sessions:
            session.repeat(connection.report)  # a line test reports nothing: it is soon over
        connection.report(messages.WorkerReady(worker=self.name))

    def _stop_talkback(self) -> None:
        """End all turns, as no broker is connected that could end them."""
        for session in self._sessions:
            session.talkback.stop(monotonic(), "broker gone")

    # --- sessions ----------------------------------------------------------------------------------------------

    def _session(self, session_id: SessionId) -> RelaySession:
        session = self._sessions.get(session_id)
        if session is None:
            raise NoSlot("The relay has not admitted this session.", "转发服务未接纳该会见。")
        return session

    def _visit(self, session_id: SessionId) -> RelaySession:
        """Return a session that is no line test, for everything that people could see or hear."""
        session = self._session(session_id)
        if isinstance(session, LineTest):
            raise NoSlot("A line test is no visit.", "线路检测不是会见。")
        return session

    async def handle_admit_session(self, command: messages.AdmitSession) -> messages.AdmitReply:
        """Take a session that is not here yet."""
        session, tap = command.session, command.tap
        if self._sessions.get(session) is None:
            self._refuse_when_stopping()
            if len(self._sessions) >= MAX_SESSIONS:
                raise TooMany("This worker has no room for another session.")
            if command.line_test:
                self._admit_line_test(session, tap)
                return messages.AdmitReply(port=self._addresses[0][1])
            mark, floor = (lambda: self._mark(tap)), command.picture_floor
            self._sessions.add(
                RelaySession(session, tap, self._server.report, self._timers.schedule, mark, picture_floor=floor)
            )
        return messages.AdmitReply(port=self._addresses[0][1])

    def _admit_line_test(self, session: SessionId, tap: int) -> None:
        self._sessions.add(LineTest(session, tap, self._server.report))
        self._line_tests.spawn(self._end_line_test(session))

    async def _end_line_test(self, session: SessionId) -> None:
        """End a line test after its time, whatever becomes of the broker that ordered it."""
        await asyncio.sleep(SECONDS)
        await self.handle_close_session(messages.CloseSession(session=session))

    def _sweep(self) -> None:
        """Forget clients that have ended, and close what sockets they had."""
        self._demux.counts()
        self._connected.sweep(self._fanout.by_address)
        if self._collections.due(self._sessions.ended, sum(session.open_now for session in self._sessions)):
            gc.collect()

    def _mark(self, tap: int) -> None:
        """Record that talkback begins anew."""
        self._tap.put(tap, TALKBACK, ANEW, monotonic_ns(), b"")
        self._tap.flush()

    async def handle_close_session(self, command: messages.CloseSession) -> messages.CloseReply:
        """End a session, and answer with the counts of what went through it."""
        session = self._sessions.pop(command.session)
        if session is None:
            return messages.CloseReply(sides={})
        sides = session.counts()
        await session.close(monotonic())
        self._timers.schedule()
        return messages.CloseReply(sides=sides)

    async def handle_tap_session(self, command: messages.TapSession) -> Done:
        """Put a session's packets on the tap, or no longer."""
        session = self._visit(command.session)
        if command.on and not self._tap.connect(Path(command.socket)):
            raise RecorderUnavailable("The recorder does not take packets.", "录制服务未接收媒体。")
        session.record(command.on)
        return Done()

    async def handle_request_keyframe(self, command: messages.RequestKeyframe) -> Done:
        """Ask a side's publisher for a keyframe."""
        self._session(command.session).tracks[command.side]["video"].request_keyframe()
        return Done()

    # --- publications and subscriptions ------------------------------------------------------------------------

    async def handle_publish(self, command: messages.Publish) -> messages.MediaReply:
        """Connect the kiosk of a room."""
        session, offer = self._session(command.session), parse_offer(command.sdp)
        return self._connect(
            session,
            offer,
            lambda endpoint: answer_module.answer_publisher(offer, endpoint, random.getrandbits(53)),
            lambda peer, params: session.publish(command.side, peer, params),
        )

    async def handle_subscribe(self, command: messages.Subscribe) -> messages.MediaReply:
        """Connect a subscriber of one side."""
        session, offer = self._session(command.session), parse_offer(command.sdp)
        streams = {kind: _stream(track) for kind, track in session.tracks[command.side].items()}
        return self._connect(
            session,
            offer,
            lambda endpoint: answer_module.answer_subscriber(offer, endpoint, random.getrandbits(53), streams),
            lambda peer, params: session.subscribe(command.side, command.subscriber, command.gated, peer, params),
        )

    async def handle_publish_talkback(self, command: messages.PublishTalkback) -> messages.MediaReply:
        """Connect an officer's microphone, which is heard only after OpenTalkback."""
        session, offer = self._visit(command.session), parse_offer(command.sdp)
        return self._connect(
            session,
            offer,
            lambda endpoint: answer_module.answer_publisher(offer, endpoint, random.getrandbits(53), talkback.KINDS),
            lambda peer, params: session.talkback.publish(command.publisher, peer, params),
        )

    async def handle_subscribe_talkback(self, command: messages.SubscribeTalkback) -> messages.MediaReply:
        """Connect the kiosk of a room, or an officer where no `side` is named, which gets talkback meant for it."""
        session, offer = self._visit(command.session), parse_offer(command.sdp)
        streams = {"audio": _stream(session.talkback.track)}  # the same for all officers: rooms learn no name
        return self._connect(
            session,
            offer,
            lambda endpoint: answer_module.answer_subscriber(
                offer, endpoint, random.getrandbits(53), streams, talkback.KINDS
            ),
            lambda peer, params: session.talkback.subscribe(command.side, command.subscriber, peer, params),
        )

    def _refuse_when_stopping(self) -> None:
        if self._stopping.is_set():
            raise RelayUnavailable("This worker is stopping.", "转发进程正在停止。")

    def _connect(
        self,
        session: RelaySession,
        offer: Offer,
        answer: Callable[[answer_module.Endpoint], answer_module.Agreed],
        attach: Callable[[Peer, dict[str, CodecParams]], object],
    ) -> messages.MediaReply:
        self._refuse_when_stopping()
        peers, connecting = self._demux.counts()
        if peers >= MAX_PEERS or connecting >= MAX_CONNECTING:
            raise TooMany("The relay is full.", "转发服务连接数已达上限。")
        server = offer.setup != "passive"
        resource = ResourceId(new_id("res"))
        peer = Peer(
            resource,
            session,
            self._fanout.by_address,
            self._fanout.send,
            self._certificate,
            server,
            offer.fingerprints,
            monotonic(),
        )
        endpoint = answer_module.Endpoint(self._addresses, *peer.ice.credentials, self._certificate.fingerprint)
        agreed = answer(endpoint)
        attach(peer, agreed.params)
        self._demux.expect(peer)
        return messages.MediaReply(resource=resource, sdp=agreed.answer)

    async def handle_restart_ice(self, command: messages.RestartIce) -> messages.RestartReply:
        """Issue new ICE credentials to a client; its media goes on until it sends checks with them."""
        peer = self._peer(command.session, command.resource)
        asked = parse_fragment(command.fragment)
        endpoint = answer_module.Endpoint(self._addresses, *peer.ice.restart(), self._certificate.fingerprint)
        self._demux.expect(peer)
        return messages.RestartReply(fragment=answer_fragment(asked, endpoint))

    async def handle_drop_resource(self, command: messages.DropResource) -> Done:
        """End a publication or subscription."""
        self._peer(command.session, command.resource).give_up("closed on request")
        return Done()

    def _peer(self, session: SessionId, resource: ResourceId) -> Peer:
        peer = self._session(session).peer(resource)
        if peer is None:
            raise NotFound("There is no such resource.")
        return peer

    # --- gate and talkback -------------------------------------------------------------------------------------

    async def handle_lease_gate(self, command: messages.LeaseGate) -> Done:
        """Open a gate or keep it open."""
        self._refuse_when_stopping()
        lease = (command.until, command.deadline, command.limit, command.muted, command.crossed)
        self._visit(command.session).lease(monotonic(), *lease)
        self._timers.schedule()
        return Done()

    async def handle_extend_limit(self, command: messages.ExtendLimit) -> messages.ExtendReply:
        """Apply an approval made before the limit (Yunnan 14)."""
        session = self._visit(command.session)
        taken = session.extend(monotonic(), command.made, command.limit, command.deadline)
        self._timers.schedule()
        return messages.ExtendReply(taken=taken)

    async def handle_shut_gate(self, command: messages.ShutGate) -> Done:
        """Shut the gate of a session at once."""
        self._session(command.session).shut(monotonic(), command.why)
        return Done()

    async def handle_set_deadline(self, command: messages.SetDeadline) -> Done:
        """Move the hard end of a session to an earlier moment."""
        gate = self._visit(command.session).gate
        gate.stop = min(gate.stop, command.deadline)
        self._timers.schedule()
        return Done()

    async def handle_open_talkback(self, command: messages.OpenTalkback) -> Done:
        """Let an officer speak to rooms."""
        self._visit(command.session).talkback.start(command.publisher, command.sides, monotonic())
        return Done()

    async def handle_close_talkback(self, command: messages.CloseTalkback) -> Done:
        """End the present officer's turn."""
        self._session(command.session).talkback.stop(monotonic(), command.why)
        return Done()

    # --- state -------------------------------------------------------------------------------------------------

    async def handle_get_status(self, command: messages.GetStatus) -> messages.RelayStatus:
        """Answer with what this worker counts."""
        fanout, filtered = self._fanout, sum(port.drops for port in self._connected.shared)
        fanout.refusals |= {Reason.FILTERED: filtered, Reason.OVERFLOW: self._connected.drops}
        return messages.RelayStatus(
            worker=self.name,
            port=self._addresses[0][1],
            sessions=len(self._sessions),
            sending=sum(session.sending(monotonic()) for session in self._sessions),
            peers=self._demux.counts()[0],
            received=fanout.received,
            forwarded=fanout.forwarded,
            octets_in=fanout.octets_in,
            octets_out=fanout.octets_out,
            dropped=fanout.dropped,
            rejected=fanout.rejected + filtered,
            refused=fanout.refusals.report(),
            tapped=self._tap.sent,
            tap_lost=self._tap.lost,
            latency=fanout.latency.histogram.report(),
            overload=int(self._shedding.overload.level),
            picture_share=self._shedding.overload.share,
            cpu_seconds=stats.cpu_seconds(),
            memory_bytes=stats.memory_bytes(),
        )


def _stream(track: Track) -> answer_module.Stream:
    return answer_module.Stream(track.ssrc_out, track.cname, track.rtx_out)


async def main(name: str, run_dir: Path, host: str, port: int, public: list[str]) -> None:
    """Run one worker until a signal or the end of the parent process."""
    await Worker(name, run_dir, (host, port), public).run()

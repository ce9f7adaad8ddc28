"""All sessions and workers at one look, for those who watch the service run: ids, states and numbers, no names."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from pydantic import Field

from broker.control.statistics import Figures, Worker
from broker.kernel.clock import Instant
from broker.kernel.ids import Side
from broker.presence.quorum import of_side
from broker.session.state import State
from signaling.api.fields import Moment, Told
from signaling.api.messages import QualitySides
from signaling.server.ports import Live
from signaling.views.session import Scene, reason_view, remaining_ms
from signaling.views.viewers import ViewersSides, in_numbers

AHEAD, BACK = timedelta(hours=1), timedelta(minutes=10)
"""Which sessions are shown: those of the next hour, those that run, those that ended a moment ago."""
MOST = 500


class Attendance(Told):
    """Supervisors of one site that count, and how many are needed."""

    have: int = Field(ge=0)
    need: int = Field(ge=0)


class OverviewSession(Told):
    """One session in numbers. `quality` and `viewers` are null before media flows, `worker` before a relay has it."""

    id: str
    state: str
    reason: str | None
    prison_room: str
    visitor_room: str
    starts_at: Moment
    prison_quorum: Attendance
    visitor_quorum: Attendance
    gate: Literal["open", "shut"]
    remaining_ms: int | None
    recording: str
    worker: str | None
    quality: QualitySides | None
    viewers: ViewersSides | None


class OverviewWorker(Told):
    """One relay worker: cores in use, packets a second, latency in milliseconds (null: nothing measured)."""

    name: str
    ready: bool
    sessions: int = Field(ge=0)
    cpu: float = Field(ge=0)
    packets_in: float = Field(ge=0)
    packets_out: float = Field(ge=0)
    memory_bytes: int = Field(ge=0)
    latency_p99_ms: float | None


class Overview(Told):
    """The service at `server_time`. `left_out` counts sessions for which there was no room here."""

    server_time: Moment
    recorder: bool
    storage: bool
    waiting: int = Field(ge=0)
    workers: list[OverviewWorker]
    sessions: list[OverviewSession]
    left_out: int = Field(ge=0)


def overview(figures: Figures, scenes: Iterable[tuple[Live, Scene]], now: Instant) -> Overview:
    """What the caller may see of it: the scenes are chosen by who asks."""
    places = {session: worker.name for worker in figures.workers for session in worker.sessions}
    near = [one for one in scenes if _is_near(one[1], now)]
    near.sort(key=lambda one: (one[1].session.state is State.ENDED, one[1].session.slot.starts_at, one[1].session.id))
    return Overview(
        server_time=now.wall,
        recorder=figures.recorder,
        storage=figures.storage,
        waiting=figures.waiting,
        workers=[_worker(one) for one in figures.workers],
        sessions=[_session(live, scene, places.get(scene.session.id)) for live, scene in near[:MOST]],
        left_out=max(0, len(near) - MOST),
    )


def _is_near(scene: Scene, now: Instant) -> bool:
    session = scene.session
    if session.end is not None:
        return session.end.at > now.wall - BACK
    return session.state is not State.SCHEDULED or session.slot.starts_at <= now.wall + AHEAD


def _session(live: Live, scene: Scene, worker: str | None) -> OverviewSession:
    session, reason = scene.session, reason_view(scene)
    flows = session.processes.relay and session.state is not State.ENDED and bool(live.quality)
    return OverviewSession(
        id=session.id,
        state=session.state.value,
        reason=reason.code if reason is not None else None,
        prison_room=session.slot.prison.room,
        visitor_room=session.slot.visitor.room,
        starts_at=session.slot.starts_at,
        prison_quorum=_attendance(scene, Side.PRISON),
        visitor_quorum=_attendance(scene, Side.VISITOR),
        gate="open" if session.gate_open else "shut",
        remaining_ms=remaining_ms(scene),
        recording=str(scene.recording.state),
        worker=worker,
        quality=QualitySides.model_validate(live.quality, strict=False) if flows else None,
        viewers=in_numbers(live.viewers) if flows else None,
    )


def _attendance(scene: Scene, side: Side) -> Attendance:
    there = of_side(scene.session.processes.watchers, scene.session.slot, side)
    return Attendance(have=len(there), need=scene.policy.min_supervisors)


def _worker(worker: Worker) -> OverviewWorker:
    return OverviewWorker(
        name=worker.name,
        ready=worker.ready,
        sessions=len(worker.sessions),
        cpu=worker.cpu,
        packets_in=worker.packets_in,
        packets_out=worker.packets_out,
        memory_bytes=worker.memory,
        latency_p99_ms=None if worker.p99 is None else worker.p99 * 1000,
    )

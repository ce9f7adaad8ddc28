"""Overview of all sessions and workers, for operators: ids, states and numbers, no names."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from broker.control.journal.checkpoint_status import JournalTrouble
from broker.control.session_runner import SessionRunner
from broker.control.statistics import Figures, Worker
from broker.ipc.relay_messages import RelayStatus
from broker.kernel.clock import Instant
from broker.kernel.ids import Side
from broker.presence.quorum import of_side
from broker.session.state import Session, State
from signaling.api.messages.fields import Moment, Outbound
from signaling.api.messages.socket import QualitySides
from signaling.views.moment import SessionMoment, remaining_ms
from signaling.views.session import reason_view
from signaling.views.viewers import ViewersSides, in_numbers

AHEAD, BACK = timedelta(hours=1), timedelta(minutes=10)
"""Which sessions are shown: those of the next hour, those that run, those that ended a moment ago."""
MOST = 500


class Attendance(Outbound):
    """Supervisors of one site who are present, and how many are needed."""

    have: int = Field(ge=0)
    need: int = Field(ge=0)


class OverviewSession(Outbound):
    """One session in ids and numbers. `quality` and `viewers` are null before media flows, `worker` before a relay has
    it."""

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
    drill: bool = False
    quality: QualitySides | None
    viewers: ViewersSides | None


class OverviewWorker(Outbound):
    """One relay worker: how many sessions it `carries`, cores in use, and those that a session takes on this machine;
    packets a second, latency in milliseconds (null: nothing measured). `overload` is what it leaves out: 0 nothing, 1
    most repairs and feedback of supervisors, 2 also a part of their pictures, which flow for a `picture_share` of the
    time."""

    name: str
    ready: bool
    sessions: int = Field(ge=0)
    carries: int = Field(ge=0)
    cpu: float = Field(ge=0)
    session_cpu: float = Field(ge=0)
    packets_in: float = Field(ge=0)
    packets_out: float = Field(ge=0)
    memory_bytes: int = Field(ge=0)
    latency_p99_ms: float | None
    overload: int = Field(ge=0, le=2)
    picture_share: float = Field(ge=0, le=1)


class Overview(Outbound):
    """The whole service at `server_time`. `left_out` counts the sessions beyond the limit of this list.

    `journal`: `differs` where it is not the one that was signed, `no_checkpoint` where none can be made, `copy_fails`
    where a copy of the checkpoints elsewhere cannot be written; empty where all is well."""

    server_time: Moment
    recorder: bool
    storage: bool
    journal: JournalTrouble
    waiting: int = Field(ge=0)
    workers: list[OverviewWorker]
    sessions: list[OverviewSession]
    left_out: int = Field(ge=0)


def overview(
    figures: Figures, seen: Iterable[tuple[SessionRunner, SessionMoment]], now: Instant, journal: JournalTrouble = ""
) -> Overview:
    """Return the overview of the sessions that the caller may see. `journal`: what is wrong with its checkpoints."""
    places = {session: worker.name for worker in figures.workers for session in worker.sessions}
    near = [(live, moment) for live, moment in seen if _is_near(moment, now)]
    near.sort(key=lambda pair: _place(pair[1].session))
    return Overview(
        server_time=now.wall,
        recorder=figures.recorder,
        storage=figures.storage,
        journal=journal,
        waiting=figures.waiting,
        workers=[_worker(worker) for worker in figures.workers],
        sessions=[_session(live, moment, places.get(moment.session.id)) for live, moment in near[:MOST]],
        left_out=max(0, len(near) - MOST),
    )


def _place(session: Session) -> tuple[bool, datetime, str]:
    """Place of a session in the list: running ones first, then by start."""
    return session.state is State.ENDED, session.slot.starts_at, session.id


def _is_near(moment: SessionMoment, now: Instant) -> bool:
    session = moment.session
    if session.end is not None:
        return session.end.at > now.wall - BACK
    return session.state is not State.SCHEDULED or session.slot.starts_at <= now.wall + AHEAD


def _session(live: SessionRunner, moment: SessionMoment, worker: str | None) -> OverviewSession:
    session, reason = moment.session, reason_view(moment)
    flows = session.processes.relay and session.state is not State.ENDED and bool(live.quality)
    return OverviewSession(
        id=session.id,
        state=session.state.value,
        reason=reason.code if reason is not None else None,
        prison_room=session.slot.prison.room,
        visitor_room=session.slot.visitor.room,
        starts_at=session.slot.starts_at,
        prison_quorum=_attendance(moment, Side.PRISON),
        visitor_quorum=_attendance(moment, Side.VISITOR),
        gate="open" if session.gate_open else "shut",
        remaining_ms=remaining_ms(moment),
        recording=str(moment.recording.state),
        worker=worker,
        drill=session.slot.drill,
        quality=QualitySides.model_validate(live.quality, strict=False) if flows else None,
        viewers=in_numbers(live.viewers) if flows else None,
    )


def _attendance(moment: SessionMoment, side: Side) -> Attendance:
    present = of_side(moment.session.processes.watchers, moment.session.slot, side)
    return Attendance(have=len(present), need=moment.policy.min_supervisors)


def _worker(worker: Worker) -> OverviewWorker:
    status = worker.status or RelayStatus()
    return OverviewWorker(
        name=worker.name,
        ready=worker.ready,
        sessions=len(worker.sessions),
        carries=worker.carries,
        cpu=worker.cpu,
        session_cpu=worker.cost,
        packets_in=worker.packets_in,
        packets_out=worker.packets_out,
        memory_bytes=worker.memory,
        latency_p99_ms=None if worker.p99 is None else worker.p99 * 1000,
        overload=status.overload,
        picture_share=status.picture_share,
    )

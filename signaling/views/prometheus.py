"""The metrics of the service in Prometheus' text format. They are made afresh at each reading from what holds at that
moment: nothing of a session is left when it is over. Sessions appear by id; people, rooms and sites do not appear."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from broker.control.journal.checkpoint_status import CheckpointStatus
from broker.control.journal.journal import Journal
from broker.control.session_runner import SessionRunner
from broker.control.statistics import Figures, Worker
from broker.control.viewers import of_room, of_supervisors
from broker.kernel.ids import Side
from broker.session.effects import AlertKind, HoldReason, Reason
from broker.session.state import State
from signaling.identity.refusals import Reason as RefusedFor

MOST = 500  # sessions with numbers of their own, about thirty each: a provincial day has fewer at once
COUNTS = {
    "received": ("packets_received", "RTP packets taken from rooms."),
    "forwarded": ("packets_forwarded", "RTP packets sent on, one for each destination."),
    "octets_in": ("bytes_received", "Bytes taken from rooms."),
    "octets_out": ("bytes_forwarded", "Bytes sent on."),
    "dropped": ("packets_dropped", "Datagrams that the full socket did not take."),
    "rejected": ("packets_rejected", "Datagrams of no known client, replayed or broken."),
    "tapped": ("tap_records", "Packets handed to the recorder."),
    "tap_lost": ("tap_lost", "Packets that the recorder did not take in time."),
    "cpu_seconds": ("cpu_seconds", "CPU time used."),
}
LEVELS = {
    "sessions": ("rooms", "Sessions admitted, as the worker counts them."),
    "peers": ("peers", "Connected clients."),
    "memory_bytes": ("resident_memory_bytes", "Resident memory."),
    "overload": (
        "overload",
        "Left out: 0 nothing, 1 repairs and feedback of supervisors, 2 also their pictures.",
    ),
    "picture_share": ("picture_share", "Part of the time in which supervisors' pictures flow."),
}
RATES = {
    "bitrate": ("bits_per_second", 1, "Of the last second."),
    "loss": ("loss_ratio", 1, "Share of packets lost on the way from the room, of the last second."),
    "jitter_ms": ("jitter_seconds", 0.001, "Jitter on the way from the room."),
    "fps": ("frames_per_second", 1, "Pictures of the last second."),
}
VIEWERS = {
    "connected": ("viewers", "Connections that receive the side, or try to."),
    "receiving": ("viewers_receiving", "Those that prove by fresh consent and reports to receive it."),
    "loss": ("viewers_loss_ratio", "Share of packets lost on the way to them, the worst of them."),
    "jitter": ("viewers_jitter_seconds", "Jitter on the way to them, the worst of them."),
    "round_trip": ("viewers_round_trip_seconds", "Round trip to them, the worst of them."),
}


INGRESS = {
    "accepted": "Connections accepted.",
    "handed_over": "Connections of senders with a credential, handed over to control.",
    "handed_over_unknown": "Connections without a credential that only control can answer.",
    "served": "Requests of strangers answered by the ingress process.",
}
SIGN_INS = {
    "sign_ins_refused": "Sign-ins refused: wrong passwords, and attempts over a limit.",
    "accounts_attacked": "Minutes in which an account was guessed at; the journal's AccountAttacked names it.",
}
REFUSED = (
    *("crowded_out", "silent", "slow", "gone", "malformed", "too_large", "too_often", "no_descriptor", "stopping"),
    *("guesses", "author", "unknown", "control", "storage", "busy", "unread", "stuck", "incident", "plain"),
)
"""Why ingress refuses a connection; docs/operations.md says what each of them means."""
TLS_REFUSED = (
    *("too_often", "crowded_out", "slow", "gone", "malformed", "plain", "failed", "busy", "full", "ingress"),
    *("no_descriptor", "stopping"),
)
"""Why the TLS process refuses a connection."""
STAGES = ("waiting", "queued", "in_flight", "reading", "open")


@dataclass(frozen=True, slots=True)
class JournalMoment:
    """The journal at one reading. `waiting`: entries about requests that are not on disk; `lost`: those that were left
    out since the start, by kind."""

    healthy: bool
    backlog: int
    waiting: int = 0
    lost: Mapping[str, int] | None = None
    checkpoints: CheckpointStatus | None = None


@dataclass(frozen=True, slots=True)
class TerminalMoment:
    """One terminal in use: whether it is connected, acts for a room, and has failed its last test; seconds since its
    last report, None where it acts for no room or has sent none; degrees Celsius, None where that is not known."""

    site: str
    connected: bool
    acts: bool
    failed: bool
    age: float | None
    temperature: float | None


def journal_moment(journal: Journal, now: float) -> JournalMoment:
    """Return the journal's numbers at `now` (monotonic seconds)."""
    return JournalMoment(
        journal.healthy(now), journal.backlog, journal.requests_waiting, journal.lost, journal.checkpoints
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that one reading reports."""

    figures: Figures
    lives: tuple[SessionRunner, ...]
    journal: JournalMoment
    sockets: Mapping[str, int]
    version: str
    ingress: Mapping[str, float] = field(default_factory=dict)
    allowance_refused: int = 0
    playing: int = 0
    account_changes: Mapping[str, int] = field(default_factory=dict)
    """Changes of accounts that wait for a second officer's word, and those that did without one; empty where the
    database does not answer."""
    terminals_conflicted: int | None = None
    """Terminals whose key was used in two places; None where the database does not answer."""
    drills: Mapping[str, int] = field(default_factory=dict)
    """Drills of the last day by state; empty where the database does not answer."""
    fleet: Sequence[TerminalMoment] = ()
    """The terminals in use; empty where the database does not answer."""


def exposition(moment: Moment) -> bytes:
    """Return the text for Prometheus, version 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Reading(moment))
    return generate_latest(registry)


class _Reading(Collector):
    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def collect(self) -> Iterator[Metric]:
        yield from _service(self._moment)
        yield from _ingress(self._moment.ingress)
        yield from _sessions(self._moment)
        yield from _workers(self._moment.figures.workers)
        yield from _quality(self._moment.lives)


def _service(moment: Moment) -> Iterator[Metric]:
    yield _by("huijian_build_info", "The software that runs.", "version", {moment.version: 1})
    yield GaugeMetricFamily("huijian_recorder_up", "Whether the recorder is there.", moment.figures.recorder)
    yield GaugeMetricFamily(
        "huijian_storage_works", "Whether gates may open: what happens is written down.", moment.figures.storage
    )
    yield from _journal(moment.journal)
    yield GaugeMetricFamily(
        "huijian_clock_moved_seconds",
        "Seconds by which this machine's clock was moved and is not believed.",
        moment.figures.clock_moved,
    )
    yield CounterMetricFamily("huijian_clock_steps", "Steps of this machine's clock.", moment.figures.clock_steps)
    text = "Requests and messages refused because their author's allowance was used up."
    yield CounterMetricFamily("huijian_allowance_refused", text, moment.allowance_refused)
    yield GaugeMetricFamily("huijian_playing", "Films that are being sent.", moment.playing)
    text = "Changes of accounts that wait for a second officer's word, and of a month that took effect without one."
    yield _by("huijian_account_changes", text, "state", moment.account_changes)
    if moment.terminals_conflicted is not None:
        text = "Terminals whose key was used in two places, and that wait for an administrator's decision."
        yield GaugeMetricFamily("huijian_terminals_conflicted", text, moment.terminals_conflicted)
    text = "Drills that began within the last 24 hours, by state; they are counted nowhere else."
    yield _by("huijian_drills", text, "state", moment.drills)
    yield from _fleet(moment.fleet)
    yield _by("huijian_sockets", "WebSockets.", "kind", _all(("user", "terminal"), moment.sockets))


def _fleet(terminals: Sequence[TerminalMoment]) -> Iterator[Metric]:
    """The terminals of each site; nothing of temperatures and reports where none have come."""
    counted = {
        "connected": ("Terminals that are connected.", Counter(each.site for each in terminals if each.connected)),
        "expected": ("Terminals that act for a room.", Counter(each.site for each in terminals if each.acts)),
        "failed_test": ("Terminals whose last test failed.", Counter(each.site for each in terminals if each.failed)),
    }
    sites = sorted({each.site for each in terminals})
    for name, (text, counts) in counted.items():
        yield _by(f"huijian_terminals_{name}", text, "site", {site: counts[site] for site in sites})
    text = "Seconds since the last report of that terminal with a room which has been silent for longest."
    ages = _most((each.site, each.age) for each in terminals)
    yield _by("huijian_terminals_report_age_seconds", text, "site", ages)
    hottest = _most((each.site, each.temperature) for each in terminals)
    yield _by("huijian_terminals_temperature_celsius", "The hottest terminal of a site.", "site", hottest)


def _most(values: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    """The largest value of each site that has any."""
    largest: dict[str, float] = {}
    for site, value in values:
        if value is not None:
            largest[site] = max(value, largest.get(site, value))
    return largest


def _ingress(counts: Mapping[str, float]) -> Iterator[Metric]:
    """The front door, as the ingress process has counted; nothing while it has not reported."""
    if not counts:
        return
    for name, text in INGRESS.items():
        yield CounterMetricFamily(f"huijian_ingress_{name}", text, counts.get(name, 0))
    for name, text in SIGN_INS.items():
        yield CounterMetricFamily(f"huijian_{name}", text, counts.get(name, 0))
    text = "Terminals that were refused, by reason; the journal's TerminalRefused names them."
    reasons = {str(reason): counts.get(f"terminals_refused_{reason}", 0) for reason in RefusedFor}
    yield _by("huijian_terminals_refused", text, "reason", reasons, CounterMetricFamily)
    text = "Sign-ins that wait for the hashing of their password."
    yield GaugeMetricFamily("huijian_hashing_queued", text, counts.get("now_hashing_queued", 0))
    refused = {reason: counts.get(f"refused_{reason}", 0) for reason in REFUSED}
    text = "Connections that ingress has refused, by reason."
    yield _by("huijian_ingress_refused", text, "reason", refused, CounterMetricFamily)
    levels = {stage: counts.get(f"now_{stage}", 0) for stage in STAGES}
    yield _by("huijian_ingress_connections", "Connections at this moment, by stage.", "stage", levels)
    if "tls_expires" in counts:
        yield from _tls(counts)


def _tls(counts: Mapping[str, float]) -> Iterator[Metric]:
    """The TLS process, where the installation has a certificate."""
    text = "Moment at which the certificate expires, in seconds since 1970."
    yield GaugeMetricFamily("huijian_tls_certificate_expires_seconds", text, counts["tls_expires"])
    text = "Whether a newer certificate in the files could not be used; the one before is used on."
    yield GaugeMetricFamily("huijian_tls_certificate_refused", text, counts.get("tls_refused_pair", 0))
    yield CounterMetricFamily("huijian_tls_handshakes", "TLS handshakes that were done.", counts.get("tls_done", 0))
    refused = {reason: counts.get(f"tls_refused_{reason}", 0) for reason in TLS_REFUSED}
    text = "Connections that the TLS process has refused, by reason."
    yield _by("huijian_tls_refused", text, "reason", refused, CounterMetricFamily)
    levels = {stage: counts.get(f"tls_now_{stage}", 0) for stage in ("handshakes", "open")}
    yield _by("huijian_tls_connections", "TLS connections at this moment, by stage.", "stage", levels)


def _journal(moment: JournalMoment) -> Iterator[Metric]:
    """Yield the journal's metrics; kinds of entries and numbers of copies are their only labels."""
    yield GaugeMetricFamily("huijian_journal_healthy", "Whether the journal is on disk in time.", moment.healthy)
    yield GaugeMetricFamily("huijian_journal_backlog", "Journal entries not on disk yet.", moment.backlog)
    yield GaugeMetricFamily("huijian_journal_requests_waiting", "Entries about requests not on disk.", moment.waiting)
    lost = CounterMetricFamily("huijian_journal_lost", "Entries about requests that were lost.", labels=["kind"])
    for kind, count in (moment.lost or {}).items():
        lost.add_metric([kind], count)
    yield lost
    status = moment.checkpoints or CheckpointStatus()
    yield GaugeMetricFamily(
        "huijian_journal_differs", "Whether the journal is not the one that was signed.", status.differs is not None
    )
    yield GaugeMetricFamily("huijian_journal_checkpoint", "Number of the newest checkpoint.", status.number)
    yield GaugeMetricFamily(
        "huijian_journal_checkpoint_failing", "Whether no checkpoint can be made.", bool(status.failing)
    )
    yield GaugeMetricFamily("huijian_journal_uncovered", "Entries behind the newest checkpoint.", status.uncovered)
    copies = GaugeMetricFamily(
        "huijian_journal_copy_failing", "Whether a copy of the checkpoints cannot be written.", labels=["copy"]
    )
    for name in status.copies:
        copies.add_metric([name], name in status.copies_failing)
    yield copies


def _sessions(moment: Moment) -> Iterator[Metric]:
    figures, lives = moment.figures, moment.lives
    states = Counter(str(live.session.state) for live in lives)
    recordings = Counter(str(live.recording.state) for live in lives)
    yield _by("huijian_sessions", "Sessions by state; ended ones of 24 hours.", "state", _all(State, states))
    yield _by("huijian_recordings", "Their recordings by state.", "state", recordings)
    yield GaugeMetricFamily(
        "huijian_gates_open", "Sessions whose rooms see each other.", sum(live.session.gate_open for live in lives)
    )
    yield GaugeMetricFamily("huijian_sessions_waiting_for_relay", "Sessions no worker had room for.", figures.waiting)
    yield CounterMetricFamily("huijian_gate_open_seconds", "Seconds of open gates.", figures.gate_seconds)
    yield _by("huijian_holds", "Holds by reason.", "reason", _all(HoldReason, figures.holds), CounterMetricFamily)
    yield _by("huijian_session_ends", "Ends by reason.", "reason", _all(Reason, figures.ends), CounterMetricFamily)
    alerts = _all(AlertKind, figures.alerts)
    yield _by("huijian_alerts", "Alerts raised, by kind.", "kind", alerts, CounterMetricFamily)


def _all(kinds: Iterable[Any], counts: Mapping[str, int]) -> dict[str, int]:
    """Return every kind, also those that were never counted: an alarm needs a zero to begin from."""
    return {str(kind): counts.get(str(kind), 0) for kind in kinds}


def _by(
    name: str,
    text: str,
    label: str,
    values: Mapping[str, float],
    family: Callable[..., GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily,
) -> Metric:
    made = family(name, text, labels=[label])
    for value, number in values.items():
        made.add_metric([value], number)
    return made


def _workers(workers: Iterable[Worker]) -> Iterator[Metric]:
    all_workers = list(workers)
    yield _by(
        "huijian_relay_up",
        "Whether the worker answers.",
        "worker",
        {worker.name: worker.ready for worker in all_workers},
    )
    placed = {worker.name: len(worker.sessions) for worker in all_workers}
    yield _by("huijian_relay_sessions", "Sessions placed on the worker.", "worker", placed)
    carries = {worker.name: worker.carries for worker in all_workers}
    yield _by("huijian_relay_sessions_carried", "Sessions that fill the worker at the present cost.", "worker", carries)
    cost = {worker.name: worker.cost for worker in all_workers}
    yield _by("huijian_relay_session_cores", "Cores that a session takes, as measured and learned.", "worker", cost)
    for table, family in ((COUNTS, CounterMetricFamily), (LEVELS, GaugeMetricFamily)):
        for member, (name, text) in table.items():
            statuses = {worker.name: worker.status for worker in all_workers if worker.status is not None}
            values = {name: float(getattr(status, member)) for name, status in statuses.items()}
            if values:
                yield _by(f"huijian_relay_{name}", text, "worker", values, family)
    yield _refused(all_workers)
    yield _latency(all_workers)


def _refused(workers: Iterable[Worker]) -> Metric:
    text = "What the port refused, by reason; see docs/operations.md."
    made = CounterMetricFamily("huijian_relay_refused", text, labels=["worker", "reason"])
    for worker in workers:
        for reason, count in (worker.status.refused if worker.status is not None else {}).items():
            made.add_metric([worker.name, reason], count)
    return made


def _latency(workers: Iterable[Worker]) -> Metric:
    text = "From a packet's arrival at the machine until it was sent on; one packet in 64 is measured."
    made = HistogramMetricFamily("huijian_relay_forwarding_seconds", text, labels=["worker"])
    for worker in workers:
        if worker.status is None:
            continue
        latency, buckets, sofar = worker.status.latency, [], 0
        for bound, count in zip([*latency.bounds, "+Inf"], latency.counts, strict=True):
            sofar += count
            buckets.append((str(bound), float(sofar)))
        made.add_metric([worker.name], buckets, latency.seconds)
    return made


def _quality(lives: Iterable[SessionRunner]) -> Iterator[Metric]:
    running = (
        live
        for live in lives
        if live.session.processes.relay and live.session.state is not State.ENDED and live.quality
    )
    shown = list(islice(running, MOST))
    for member, (name, scale, text) in RATES.items():
        made = GaugeMetricFamily(f"huijian_session_{name}", text, labels=["session", "side", "media"])
        for live in shown:
            for side, kinds in live.quality.items():
                for media, rate in kinds.items():
                    value = cast(Mapping[str, float], rate).get(member)
                    if value is not None:
                        made.add_metric([live.session.id, str(side), media], value * scale)
        yield made
    yield from _viewers(shown)


def _viewers(lives: Iterable[SessionRunner]) -> Iterator[Metric]:
    """Viewers by number and worst values only: a monitoring system learns nothing of the people."""
    made = {
        member: GaugeMetricFamily(f"huijian_session_{name}", text, labels=["session", "side", "viewer"])
        for member, (name, text) in VIEWERS.items()
    }
    for live in lives:
        for side in Side:
            for kind, of in (("supervisor", of_supervisors), ("room", of_room)):
                summary = of(live.viewers, side)
                for member, family in made.items():
                    value = getattr(summary, member)
                    if value is not None:
                        family.add_metric([live.session.id, str(side), kind], value)
    yield from made.values()

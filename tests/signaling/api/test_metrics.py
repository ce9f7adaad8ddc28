"""Metrics and overview: which callers may read them, what they contain, and which names they leave out."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from broker.authority.persons import ChangeKind, Waits
from broker.control.journal.comparison import Finding
from broker.control.journal.entry import Noted
from broker.control.statistics import Figures, Worker
from broker.control.viewers import viewer_of
from broker.ipc.relay_messages import Latency, RelayStatus, Subscription
from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.effects import HoldReason, Reason
from broker.session.state import State
from signaling.views import prometheus
from tests.signaling.live.test_fleet import reported

QUALITY = {
    side: {"video": {"bitrate": 900_000.0, "loss": 0.01, "fps": 25.0}, "audio": {"bitrate": 32_000.0, "loss": 0.0}}
    for side in Side
}
SUPERVISOR = Subscription(
    resource="r",
    side=Side.VISITOR,
    subscriber="prison-sup@first-prison",
    gated=False,
    on=True,
    consent=True,
    reports=True,
    loss=0.1,
    jitter=0.02,
)
SUBSCRIPTIONS = {
    "r1": replace(SUPERVISOR, round_trip=0.05),
    "r2": replace(SUPERVISOR, subscriber="second-sup@first-prison", on=False, loss=0.0, jitter=0.0),
    "r3": replace(SUPERVISOR, subscriber="trm_x", gated=True),
}
VIEWERS = {resource: viewer_of(subscription) for resource, subscription in SUBSCRIPTIONS.items()}
STATUS = RelayStatus(
    received=1000,
    forwarded=5000,
    rejected=3,
    cpu_seconds=12.5,
    memory_bytes=40_000_000,
    peers=6,
    overload=2,
    picture_share=0.4,
    latency=Latency(bounds=(0.001, 0.01), counts=(7, 2, 1), seconds=0.05),
)


def figures(session, status=STATUS):
    worker = Worker("relay-0", True, frozenset({session}), 0.2, 470.0, 2350.0, 40_000_000, 0.0012, status, 0.024, 33)
    return Figures((worker,), 1, {"room_lost": 2}, {"time_limit": 3}, 61.5, True, True)


async def read(front, caller=None, **kw):
    """Return the samples of one reading, by name and labels."""
    answer = await front.ask("GET", "/metrics", caller, **kw)
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return samples(await answer.text())


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class TestPermissionForMetrics:
    async def test_a_program_on_this_machine(self, front):
        assert await read(front)

    @pytest.mark.parametrize("caller", ["observer", "admin"])
    async def test_observers_and_admins_from_anywhere(self, front, caller):
        assert await read(front, caller, headers={"X-Forwarded-For": "203.0.113.9"})

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Forwarded-For": "127.0.0.1"},
            {"Forwarded": "for=127.0.0.1"},
            {"Via": "1.1 proxy"},
            {"X-Real-IP": "127.0.0.1"},
            {"Host": "huijian.example"},
            {"Host": "[::1"},
            {"Host": "localhost.evil.example"},
        ],
    )
    async def test_a_client_behind_a_proxy_on_this_machine_is_refused(self, front, headers):
        await front.refused("not_signed_in", "GET", "/metrics", headers=headers)

    async def test_a_local_program_needs_a_key_where_the_settings_say_so(self, front):
        front.context.settings = front.context.settings.model_copy(update={"metrics_on_loopback": False})
        await front.refused("not_signed_in", "GET", "/metrics")
        assert await read(front, "observer")

    @pytest.mark.parametrize("caller", ["p1", "prison-sup", "clerk", "approver", "auditor", "booking", "prison-admin"])
    async def test_other_callers_are_refused_also_from_this_machine(self, front, caller):
        await front.refused("forbidden", "GET", "/metrics", caller)

    @pytest.mark.parametrize("caller", ["obs_thisisnobody", "x"])
    async def test_a_wrong_key_is_refused_where_no_key_is_needed(self, front, caller):
        await front.refused("not_signed_in", "GET", "/metrics", caller)

    async def test_the_kind_of_a_key_cannot_be_changed_by_its_holder(self, front):
        key = front.tokens["booking"].replace("key_", "obs_", 1)
        await front.refused("not_signed_in", "GET", "/metrics", key)
        order = front.tokens["observer"].replace("obs_", "key_", 1)
        await front.refused("not_signed_in", "GET", "/api/v1/slots", order)


class TestMetrics:
    async def test_the_service_and_its_workers(self, front):
        session = await front.live_visit()
        front.broker.numbers = figures(session)
        numbers = await read(front)
        worker = ("worker", "relay-0")
        assert numbers["huijian_relay_packets_received_total", worker] == 1000
        assert numbers["huijian_relay_cpu_seconds_total", worker] == 12.5
        assert numbers["huijian_relay_peers", worker] == 6
        assert numbers["huijian_relay_session_cores", worker] == 0.024
        assert numbers["huijian_relay_sessions_carried", worker] == 33
        assert numbers["huijian_relay_forwarding_seconds_bucket", ("le", "0.001"), worker] == 7
        assert numbers["huijian_relay_forwarding_seconds_bucket", ("le", "+Inf"), worker] == 10
        assert numbers["huijian_relay_forwarding_seconds_count", worker] == 10
        assert numbers["huijian_gate_open_seconds_total",] == 61.5
        assert numbers["huijian_gates_open",] == 1
        assert numbers["huijian_sessions", ("state", "live")] == 1
        assert numbers["huijian_sessions_waiting_for_relay",] == 1
        assert numbers["huijian_journal_healthy",] == 1 and numbers["huijian_journal_backlog",] == 0

    async def test_say_what_waits_for_a_second_officer_and_what_did_without_one(self, front):
        numbers = await read(front)
        assert [numbers["huijian_account_changes", ("state", state)] for state in ("waiting", "forced")] == [0, 0]
        store, now = front.store, front.clock.now().wall
        made = [
            await store.change_account(ChangeKind.PASSWORD, user, author="command:x", password="a long secret")
            for user in ("auditor", "admin")
        ]
        waits = Waits(timedelta(hours=72), timedelta(0))
        await store.force_change(made[0].change.id, "command:x", "the second auditor is gone", waits, now)
        numbers = await read(front)
        assert [numbers["huijian_account_changes", ("state", state)] for state in ("waiting", "forced")] == [1, 1]

    async def test_drills_are_counted_by_themselves_and_among_no_sessions(self, front):
        await front.visit(drill=True, starts_at=front.clock.now().wall)
        numbers = await read(front)
        assert [numbers["huijian_drills", ("state", state)] for state in ("running", "passed", "failed")] == [0, 0, 0]
        assert {numbers["huijian_sessions", ("state", state)] for state in ("scheduled", "check_in")} == {0}

    async def test_no_counts_of_a_worker_that_has_not_answered_yet(self, front):
        front.broker.numbers = figures(await front.live_visit(), None)
        numbers = await read(front)
        assert numbers["huijian_relay_up", ("worker", "relay-0")] == 1
        assert not [name for name, *_ in numbers if "tap_lost" in name or "forwarding" in name]

    async def test_every_state_and_reason_from_the_beginning(self, front):
        numbers = await read(front)
        assert {numbers["huijian_sessions", ("state", state)] for state in State} == {0}
        assert {numbers["huijian_holds_total", ("reason", reason)] for reason in HoldReason} == {0}
        assert {numbers["huijian_session_ends_total", ("reason", reason)] for reason in Reason} == {0}

    async def test_each_session_as_long_as_it_runs(self, front):
        session = await front.live_visit()
        front.broker.live(session).quality = QUALITY
        labels = (("media", "video"), ("session", session), ("side", "prison"))
        numbers = await read(front)
        assert numbers["huijian_session_bits_per_second", *labels] == 900_000
        assert numbers["huijian_session_loss_ratio", *labels] == 0.01
        assert numbers["huijian_session_frames_per_second", *labels] == 25
        front.broker.tell(session, ev.EndOrdered("li", "first-prison", "YN-17-8"))
        numbers = await read(front)
        assert not [key for key in numbers if ("session", session) in key]
        assert numbers["huijian_session_ends_total", ("reason", "ended_by_supervisor")] == 0, (
            "the broker counts, not the exposition"
        )

    async def test_viewers_of_each_session_in_numbers(self, front):
        session = await front.live_visit()
        live = front.broker.live(session)
        live.quality, live.viewers = QUALITY, VIEWERS
        text = await (await front.ask("GET", "/metrics")).text()
        numbers = samples(text)

        def of(name, viewer):
            return numbers[
                f"huijian_session_viewers{name}", ("session", session), ("side", "visitor"), ("viewer", viewer)
            ]

        assert (of("", "supervisor"), of("_receiving", "supervisor"), of("_loss_ratio", "supervisor")) == (2, 1, 0.1)
        assert (of("_jitter_seconds", "supervisor"), of("_round_trip_seconds", "supervisor")) == (0.02, 0.05)
        assert (of("", "room"), of("_receiving", "room")) == (1, 1)
        of_visits = "\n".join(line for line in text.splitlines() if not line.startswith("huijian_terminals_"))
        assert "prison-sup" not in text and "first-prison" not in of_visits and "trm" not in text

    async def test_a_limited_number_of_sessions(self, front, monkeypatch):
        monkeypatch.setattr(prometheus, "MOST", 0)
        session = await front.live_visit()
        front.broker.live(session).quality = QUALITY
        assert not [key for key in await read(front) if ("session", session) in key]

    async def test_no_names_of_people_rooms_or_sites(self, front):
        session = await front.live_visit()
        front.broker.live(session).quality = QUALITY
        text = await (await front.ask("GET", "/metrics")).text()
        fleet = "huijian_terminals_"  # what is counted for each site has its id
        text = "\n".join(line for line in text.splitlines() if not line.startswith(fleet))
        for name in ("刘某", "欧阳", "prison-sup", "first-prison", "panlong", "第一监狱", '"p1"', '"v1"'):
            assert name not in text


class TestTheOverview:
    async def test_shows_a_session_in_numbers(self, front):
        session = await front.live_visit()
        front.broker.numbers = figures(session)
        live = front.broker.live(session)
        live.quality, live.viewers = QUALITY, VIEWERS
        data = (await front.ask("GET", "/api/v1/overview", "observer")).data
        (row,) = data["sessions"]
        assert (row["id"], row["state"], row["gate"], row["worker"]) == (session, "live", "open", "relay-0")
        assert (row["prison_room"], row["visitor_room"]) == ("p1", "v1")
        assert row["prison_quorum"] == row["visitor_quorum"] == {"have": 2, "need": 2}
        assert row["remaining_ms"] == 30 * 60 * 1000
        assert row["quality"]["visitor"]["audio"]["bitrate"] == 32_000
        assert row["viewers"]["visitor"] == {
            "connected": 2, "receiving": 1, "loss": 0.1, "jitter_ms": 20, "round_trip_ms": 50
        }  # fmt: skip
        assert row["viewers"]["prison"]["connected"] == 0
        (worker,) = data["workers"]
        assert (worker["sessions"], worker["latency_p99_ms"]) == (1, 1.2)
        assert (worker["overload"], worker["picture_share"]) == (2, 0.4)
        assert not [name for name in ("刘某", "欧阳", "prison-sup") if name in str(data)]

    @pytest.mark.parametrize("caller", ["foreign-sup", "foreign-auditor", "prison-admin"])
    async def test_hides_sessions_of_other_sites(self, front, caller):
        session = await front.live_visit()
        front.broker.numbers = figures(session)
        data = (await front.ask("GET", "/api/v1/overview", caller)).data
        assert data["sessions"] == [] and session not in str(data) and len(data["workers"]) == 1

    @pytest.mark.parametrize("caller", ["prison-sup", "visitor-sup", "approver", "auditor", "admin"])
    async def test_is_for_the_officers_of_both_sites_and_the_province(self, front, caller):
        await front.visit()
        assert len((await front.ask("GET", "/api/v1/overview", caller)).data["sessions"]) == 1

    async def test_leaves_out_sessions_that_ended_or_start_long_from_now(self, front):
        await front.visit()
        far = timedelta(days=2)
        slot = (await front.store.slots_between(front.clock.now().wall, front.clock.now().wall + far))[0]
        await front.visit(starts_at=slot.starts_at + far, ends_at=slot.ends_at + far, external_id="later")
        data = (await front.ask("GET", "/api/v1/overview", "admin")).data
        assert [row["id"] for row in data["sessions"]] == [slot.session]
        front.at(timedelta(hours=2))
        front.clock.forward(timedelta(minutes=11))
        assert (await front.ask("GET", "/api/v1/overview", "admin")).data["sessions"] == []


class TestTheJournal:
    async def test_metrics_show_what_was_lost_and_what_is_wrong_with_its_checkpoints(self, front):
        numbers = await read(front, "observer")
        assert numbers["huijian_journal_differs",] == 0 and numbers["huijian_journal_checkpoint_failing",] == 0
        status = front.journal.checkpoints
        status.made(7, 900)
        status.differs, status.failing, status.uncovered = Finding("rewritten", 5, 8), "OSError", 12
        status.copies, status.copies_failing = {"1": 7, "2": 3}, {"2": "OSError"}
        for number in range(70):  # none of them has waited for the disk yet
            front.journal._requests.add(Noted(number, "", 0.0, None, "OrderRefused", "user:li", "{}"))
        numbers = await read(front, "observer")
        assert numbers["huijian_journal_differs",] == 1 and numbers["huijian_journal_checkpoint_failing",] == 1
        assert numbers["huijian_journal_checkpoint",] == 7 and numbers["huijian_journal_uncovered",] == 12
        assert numbers["huijian_journal_copy_failing", ("copy", "1")] == 0
        assert numbers["huijian_journal_copy_failing", ("copy", "2")] == 1
        assert numbers["huijian_journal_lost_total", ("kind", "OrderRefused")] == 6
        front.journal._requests.written(front.journal._requests.first(70))

    async def test_the_overview_shows_it_in_a_word(self, front):
        assert (await front.ask("GET", "/api/v1/overview", "observer")).data["journal"] == ""
        front.journal.checkpoints.copies_failing = {"1": "OSError"}
        assert (await front.ask("GET", "/api/v1/overview", "observer")).data["journal"] == "copy_fails"
        front.journal.checkpoints.differs = Finding("rewritten", 5, 8)
        assert (await front.ask("GET", "/api/v1/overview", "observer")).data["journal"] == "differs"


class TestTheFleet:
    async def test_metrics_count_the_terminals_of_each_site(self, front):
        site = ("site", "first-prison")
        numbers = await read(front, "observer")
        assert (numbers["huijian_terminals_expected", site], numbers["huijian_terminals_connected", site]) == (2, 0)
        assert ("huijian_terminals_report_age_seconds", site) not in numbers
        at = front.clock.now().wall.isoformat()
        dark = {"at": at, "figures": {"width": 1280, "rate": 25, "luma": 2}, "faults": []}
        async with reported(front, temperature=71.5, test=dark):
            front.clock.forward(timedelta(seconds=40))
            numbers = await read(front, "observer")
        assert numbers["huijian_terminals_connected", site] == 1
        assert numbers["huijian_terminals_failed_test", site] == 1
        assert numbers["huijian_terminals_temperature_celsius", site] == 71.5
        assert numbers["huijian_terminals_report_age_seconds", site] == 40
        assert numbers["huijian_terminals_connected", ("site", "panlong")] == 0

"""Each session freezes its pack when its check-in opens, and keeps it over a restart, whatever becomes of the file."""

import hashlib
import json
from datetime import timedelta
from importlib import resources

import pytest

from broker.control.broker import Broker
from broker.control.journal.journal import Journal
from broker.control.rules.session_rules import SessionRules
from broker.kernel.errors import NotFound
from broker.session import events as ev
from broker.session.state import Session, State
from config.pack_loader import PackError, load_pack
from config.policy import LooserThanLaw
from tests.support.control.making import slot

TEXT = resources.files("config").joinpath("packs", "yunnan.toml").read_text("utf-8")
GRACE = "[hold_grace]  # a longer hold ends the visit; it is then re-booked first\nvalue = "


class Site:
    """A site whose pack is a file of the owner's, and a broker that can be started again."""

    def __init__(self, store, clock, folder, path):
        self.store, self.clock, self.folder, self.path = store, clock, folder, path
        self.slot = slot(policy=str(path))

    def write(self, grace=180):
        """Write the pack with another longest hold."""
        assert GRACE in TEXT
        self.path.write_text(TEXT.replace(f"{GRACE}180", f"{GRACE}{grace}"), "utf-8")
        return load_pack(self.path)

    async def running(self, story, minutes=0.0):
        """Run a broker so many minutes after the last one; return what the story finds of its session."""
        self.clock.forward(timedelta(minutes=minutes))
        async with (
            Journal(self.store.engine, self.clock) as journal,
            Broker(self.store, journal, self.clock, self.folder, 0) as broker,
        ):
            live = broker.live(self.slot.session)
            live._follow_pack()  # what the runner does whenever it wakes
            live.take(ev.TimePassed())
            found = story(live)
            await journal.flush()
            self.entries = await journal.entries(self.slot.session)
        return found

    def noted(self, kind):
        return [json.loads(entry.data) for entry in self.entries if entry.kind == kind]


def rules_of(live):
    return live.session.state, live.policy.hold_grace.total_seconds(), live.session.pack


@pytest.fixture
async def site(store, clock, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(TEXT, "utf-8")
    for name, kind, room in (("first-prison", "prison", "p1"), ("panlong", "bureau", "v1")):
        await store.add_site(name, kind, name, str(path))
        await store.add_room(room, name, room)
    site = Site(store, clock, tmp_path, path)
    await store.add_slot(site.slot)
    return site


class TestSession:
    async def test_follows_the_pack_in_force_until_its_check_in_opens(self, site):
        site.write(150)
        assert await site.running(rules_of) == (State.SCHEDULED, 150, "")
        site.write(120)
        assert await site.running(rules_of) == (State.SCHEDULED, 120, "")

    async def test_freezes_it_then_and_keeps_it_over_a_restart_with_another_file(self, site):
        first = site.write(150)
        opened = await site.running(rules_of, minutes=40)
        assert opened == (State.CHECK_IN, 150, first.sha256)
        assert site.noted("PackFrozen") == [{"name": "own", "version": first.version, "sha256": first.sha256}]
        for change in (lambda: site.write(90), lambda: site.write(600), site.path.unlink):
            change()
            assert await site.running(rules_of) == opened

    async def test_takes_up_a_file_that_changed_while_the_server_runs_before_check_in_only(self, site):
        def story(live):
            seen = [rules_of(live)[1]]
            site.write(100)
            live._follow_pack()
            seen.append(rules_of(live)[1])
            site.clock.forward(timedelta(minutes=40))
            live.take(ev.TimePassed())
            site.write(50)
            live._follow_pack()
            return [*seen, rules_of(live)[1]]

        assert await site.running(story) == [180, 100, 100]

    async def test_keeps_the_pack_in_force_where_its_file_breaks_while_the_server_runs(self, site):
        def story(live):
            site.path.write_text("[pack", "utf-8")
            live._follow_pack()
            return rules_of(live)

        site.write(150)
        assert await site.running(story) == (State.SCHEDULED, 150, "")

    async def test_that_the_law_forbids_now_goes_on_under_the_pack_in_force(self, site, monkeypatch):
        """A newer version's law goes before: the start does not fail, and the journal says so."""
        frozen = site.write(150)
        await site.running(rules_of, minutes=40)

        def forbidden(text):
            assert text == frozen.canonical
            raise LooserThanLaw("hold_grace = 0:02:30 is looser than the law", "云南 第十八条")

        monkeypatch.setattr("broker.control.rules.session_rules.frozen_pack", forbidden)
        now = site.write(60)
        assert await site.running(rules_of) == (State.CHECK_IN, 60, now.sha256)
        assert site.noted("PackReplaced")[-1]["was"] == frozen.sha256
        monkeypatch.undo()
        assert await site.running(rules_of) == (State.CHECK_IN, 60, now.sha256)

    async def test_whose_pack_can_nowhere_be_read_is_left_alone(self, site):
        site.write(150)
        site.path.unlink()
        with pytest.raises(NotFound):
            await site.running(rules_of)

    async def test_of_a_former_version_freezes_the_pack_in_force_at_the_start(self, site):
        site.write(150)
        await site.running(rules_of, minutes=40)
        snapshot = await site.store.snapshot(site.slot.session)
        former = {key: value for key, value in snapshot.data.items() if key != "pack"}
        await site.store.save_snapshot(site.slot.session, snapshot.state, former)
        now = site.write(140)
        assert await site.running(rules_of) == (State.CHECK_IN, 140, now.sha256)


class TestPackStore:
    async def test_keeps_the_one_spelling_under_its_hash(self, store):
        policy = load_pack("yunnan")
        await store.keep_pack(policy)
        await store.keep_pack(policy)
        text = await store.pack(policy.sha256)
        assert hashlib.sha256(text.encode()).hexdigest() == policy.sha256 and text == policy.canonical
        with pytest.raises(NotFound):
            await store.pack("0" * 64)


class TestFound:
    async def test_an_ended_session_is_read_and_changed_no_more(self, store):
        noted = []
        rules = SessionRules(store, lambda *entry: noted.append(entry))
        session = Session(slot(), state=State.ENDED, pack="0" * 64)  # a hash whose text is lost
        found, policy = await rules.found(session)
        assert found is session and policy == load_pack("yunnan") and not noted

    def test_a_pack_that_never_could_be_read_is_an_error(self, store):
        with pytest.raises(PackError):
            SessionRules(store, lambda *entry: None).in_force("nowhere")

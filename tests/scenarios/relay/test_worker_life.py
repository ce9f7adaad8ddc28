"""How a worker process ends, and what it reports to a control process that connects again."""

import asyncio
import signal
import sys

import pytest

from broker.ipc.client import Client
from broker.ipc.relay_messages import RELAY
from broker.media import rtcp
from tests.support.ipc import FactLog
from tests.support.patience import PATIENCE
from tests.support.relay.peers import RawPeer
from tests.support.relay.visits import publisher, visit
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")


class TestTheEnd:
    async def test_sigterm_says_goodbye_to_all_clients(self, own_front: RelayFront) -> None:
        room = await publisher(own_front, "prison")
        officer = await RawPeer(own_front).watch("prison")
        assert own_front.process is not None
        own_front.process.send_signal(signal.SIGTERM)
        for peer in (room, officer):
            await asyncio.wait_for(peer.gone.wait(), PATIENCE)
            assert [packet.kind for packet in peer.feedback][-1] == rtcp.BYE
        assert await asyncio.wait_for(own_front.process.wait(), PATIENCE) == 0
        assert not (own_front.run_dir / "relay-0.sock").exists()
        for peer in (room, officer):
            await peer.vanish()

    async def test_sigterm_shuts_gates_first_and_does_not_wait_for_visits(self, own_front: RelayFront) -> None:
        async with visit(own_front) as both:
            await own_front.lease("s")
            await own_front.fact("first_crossing")
            since = len(own_front.facts)
            assert own_front.process is not None
            own_front.process.send_signal(signal.SIGTERM)
            for peer in (*both.rooms.values(), *both.kiosks.values()):
                await asyncio.wait_for(peer.gone.wait(), PATIENCE)
            assert await asyncio.wait_for(own_front.process.wait(), PATIENCE) == 0
            names = [
                (name, fact.get("why"))
                for name, fact in own_front.facts[since:]
                if name in ("gate_changed", "resource_closed")
            ]
            assert names[0] == ("gate_changed", "relay stopping")
            assert len(names) == 5

    async def test_the_death_of_its_parent_ends_it_too(self, own_front: RelayFront) -> None:
        assert own_front.process is not None
        assert own_front.process.stdin is not None
        own_front.process.stdin.close()
        assert await asyncio.wait_for(own_front.process.wait(), PATIENCE) == 0

    async def test_the_next_worker_starts_after_one_was_killed(self, own_front: RelayFront) -> None:
        assert own_front.process is not None
        own_front.process.kill()
        await own_front.process.wait()
        since = len(own_front.facts)
        await own_front.start_worker()
        await own_front.fact("worker_ready", after=since)

    async def test_without_arguments_it_prints_its_usage(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "broker.relay", stderr=asyncio.subprocess.PIPE
        )
        _, output = await process.communicate()
        assert process.returncode == 1
        assert b"NAME RUN_DIR HOST PORT" in output


class TestAControlProcessThatConnectsAgain:
    async def test_gets_the_facts_that_hold(self, front: RelayFront) -> None:
        async with visit(front) as both:
            officer = await RawPeer(front).watch("prison")
            await front.fact("subscription_changed", subscriber="officer@site", on=True)
            await front.lease("s")
            crossed = await front.fact("first_crossing")
            log = FactLog()
            running = asyncio.create_task(Client(front.run_dir / "relay-0.sock", RELAY).run(log))
            await log.wait_for("worker_ready")
            facts = log.facts
            names = [name for name, _ in facts]
            assert ("session_admitted", {"session": "s"}) in facts
            assert ("first_crossing", {"session": "s", "mono": crossed["mono"]}) in facts
            assert names.count("side_media") == 2
            assert [
                members["on"] for name, members in facts if name == "subscription_changed" and not members["gated"]
            ] == [True]
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await officer.close()
            assert both.kiosks

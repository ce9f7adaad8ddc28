"""The credentials of terminals: minutes long, one program's, one nonce's, and over with the terminal."""

from datetime import timedelta

import pytest

from broker.control.store.devices.sessions import KEPT, Signed
from broker.control.store.secrets import token_hash
from broker.control.store.store import Store
from broker.kernel.errors import ChallengeRefused, TerminalConflict
from tests.support.terminals import enrolled, signed_in

LIFE = timedelta(minutes=10)


@pytest.fixture
async def terminal(places):
    """An enrolled terminal, which has not signed in."""
    return (await enrolled(places, "p1"))[0].id


class TestCredentials:
    async def test_lead_to_the_room_and_are_stored_nowhere(self, places, terminal, tmp_path):
        token = await signed_in(places, terminal, "a" * 32, LIFE)
        found = await places.terminal_by_token(token)
        assert (found.id, found.room, found.site, found.instance) == (terminal, "p1", "first-prison", "a" * 32)
        assert token.startswith("trs_")
        secret = token.removeprefix("trs_").encode()
        assert not any(secret in file.read_bytes() for file in tmp_path.iterdir())

    async def test_end_with_their_time(self, places, terminal, clock):
        token = await signed_in(places, terminal, life=LIFE)
        clock.forward(LIFE)
        assert await places.terminal_by_token(token) is None
        assert token_hash(token) not in await places.authors_by_token_hash()

    async def test_are_known_to_the_front_door_by_their_terminal(self, places, terminal):
        token = await signed_in(places, terminal, life=LIFE)
        assert (await places.authors_by_token_hash())[token_hash(token)] == f"terminal:{terminal}"

    @pytest.mark.parametrize("token", ["", "trs_", "trs_x", "\ud800", "a" * 100_000])
    async def test_garbage_is_none(self, places, token):
        assert await places.terminal_by_token(token) is None

    async def test_what_goes_on_under_one_goes_on_under_the_next_one_of_the_same_program(self, places, terminal, clock):
        pair = (terminal, "a" * 32)
        await signed_in(places, *pair, LIFE)
        clock.forward(LIFE / 2)
        await signed_in(places, *pair, LIFE)
        clock.forward(LIFE * 0.75)
        assert set((await places.holders([], [pair, (terminal, "b" * 32)]))[1]) == {pair}
        clock.forward(LIFE)
        assert (await places.holders([], [pair]))[1] == {}


class TestNonces:
    async def test_lead_to_one_credential_in_whichever_process(self, places, url, terminal, clock):
        signed = Signed(terminal, "a" * 32, "n" * 64, clock.now().wall)
        await places.open_terminal_session(signed, LIFE)
        async with Store(url, clock) as other:
            with pytest.raises(ChallengeRefused):
                await other.open_terminal_session(signed, LIFE)

    async def test_are_remembered_long_after_they_could_be_used(self, places, terminal, clock):
        signed = Signed(terminal, "a" * 32, "n" * 64, clock.now().wall)
        await places.open_terminal_session(signed, LIFE)
        for step in (LIFE, KEPT / 2):
            clock.forward(step)
            await signed_in(places, terminal, life=LIFE)
            with pytest.raises(ChallengeRefused):
                await places.open_terminal_session(signed, LIFE)

    async def test_are_forgotten_in_the_end(self, places, terminal, clock):
        await places.open_terminal_session(Signed(terminal, "a" * 32, "n" * 64, clock.now().wall), LIFE)
        clock.forward(KEPT + LIFE * 2)
        again = Signed(terminal, "a" * 32, "n" * 64, clock.now().wall)
        await signed_in(places, terminal, life=LIFE)
        assert await places.open_terminal_session(again, LIFE)

    async def test_of_a_conflict_are_still_used_after_the_terminal_is_readmitted(self, places, terminal, clock):
        signed = Signed(terminal, "a" * 32, "n" * 64, clock.now().wall)
        await places.open_terminal_session(signed, LIFE)
        await places.conflict_terminal(terminal)
        await places.readmit_terminal("p1")
        with pytest.raises(ChallengeRefused):
            await places.open_terminal_session(signed, LIFE)


class TestProgramsThatTakeEachOthersPlace:
    async def test_the_former_ones_credentials_end(self, places, terminal):
        old, new = await signed_in(places, terminal, "a" * 32), await signed_in(places, terminal, "b" * 32)
        await places.supersede_instances(terminal, "b" * 32)
        assert await places.terminal_by_token(old) is None
        assert await places.terminal_by_token(new) is not None

    async def test_one_that_signs_again_after_its_place_was_taken_runs_still(self, places, terminal, clock):
        await signed_in(places, terminal, "a" * 32)
        await signed_in(places, terminal, "b" * 32)
        await places.supersede_instances(terminal, "b" * 32)
        clock.forward(timedelta(seconds=1))
        with pytest.raises(TerminalConflict) as refused:
            await signed_in(places, terminal, "a" * 32)
        assert refused.value.extra["new"] is True
        with pytest.raises(TerminalConflict) as again:
            await signed_in(places, terminal, "b" * 32)
        assert "new" not in again.value.extra

    async def test_one_that_had_asked_before_its_place_was_taken_proves_nothing(self, places, terminal, clock):
        await signed_in(places, terminal, "a" * 32)
        before = Signed(terminal, "a" * 32, "n" * 64, clock.now().wall)
        clock.forward(timedelta(seconds=1))
        await places.supersede_instances(terminal, "b" * 32)
        assert await places.open_terminal_session(before, LIFE)
        assert await places.conflicted_terminals() == 0

    async def test_those_of_other_terminals_are_left_alone(self, places, terminal):
        _, other = await enrolled(places, "p2")
        await places.supersede_instances(terminal, "b" * 32)
        assert await places.terminal_by_token(other) is not None

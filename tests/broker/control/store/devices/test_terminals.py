"""Yunnan 27(1): a room has one enrolled terminal, known by its key; how it is enrolled, replaced, revoked, and refused
while its key is used in two places."""

from datetime import timedelta

import pytest

from broker.control.store.devices.codes import ATTEMPTS, read_code
from broker.control.store.devices.terminals import PublicKey
from broker.control.store.records import TerminalState
from broker.kernel.errors import Conflict, EnrolmentRefused, NotFound, TerminalConflict, TerminalRevoked
from huijian.demo.setup import enrol
from kiosk_agent.identity.keys import FileKey
from tests.support.terminals import signed_in

DAY = timedelta(hours=24)


def new_key():
    return PublicKey(FileKey.new().public, "file")


async def opened(store, room="p1", **options):
    return (await store.open_enrolment(room, DAY, "command:test", **options)).code


class TestCodes:
    async def test_enrol_the_terminal_of_their_room_once(self, places, tmp_path):
        code, key = await opened(places), new_key()
        terminal = (await places.enrol_by_code(code.lower(), key)).terminal
        assert (terminal.room, terminal.site, terminal.state) == ("p1", "first-prison", TerminalState.ACTIVE)
        assert terminal.public_key == key.der and terminal.key_kind == "file"
        with pytest.raises(EnrolmentRefused):
            await places.enrol_by_code(code, new_key())
        plain = code.replace("-", "").encode()
        assert not any(plain in file.read_bytes() or code.encode() in file.read_bytes() for file in tmp_path.iterdir())

    async def test_end_with_their_time(self, places, clock):
        code = await opened(places)
        clock.forward(DAY)
        with pytest.raises(EnrolmentRefused):
            await places.enrol_by_code(code, new_key())

    async def test_are_worth_nothing_after_too_many_guesses_at_them(self, places):
        code = await opened(places)
        wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
        for _ in range(ATTEMPTS):
            with pytest.raises(EnrolmentRefused):
                await places.enrol_by_code(wrong, new_key())
        with pytest.raises(EnrolmentRefused):
            await places.enrol_by_code(code, new_key())
        assert await places.terminals() == []

    async def test_guesses_below_the_limit_and_at_other_codes_do_no_harm(self, places):
        code = await opened(places)
        other = ("A" if code[0] != "A" else "B") + code[1:]
        for number in range(ATTEMPTS * 2):
            with pytest.raises(EnrolmentRefused):
                await places.enrol_by_code(other if number >= ATTEMPTS - 1 else code[:-4] + "AAAA", new_key())
        assert (await places.enrol_by_code(code, new_key())).terminal.room == "p1"

    async def test_a_newer_one_of_the_room_takes_the_place_of_the_older(self, places):
        first, second = await opened(places), await opened(places)
        with pytest.raises(EnrolmentRefused):
            await places.enrol_by_code(first, new_key())
        assert (await places.enrol_by_code(second, new_key())).terminal.room == "p1"

    async def test_need_a_room_that_is_there_and_free(self, places):
        with pytest.raises(NotFound):
            await opened(places, "nowhere")
        await places.enrol_by_code(await opened(places), new_key())
        with pytest.raises(Conflict):
            await opened(places)

    async def test_replace_a_terminal_when_they_are_used_and_not_before(self, places):
        old = (await places.enrol_by_code(await opened(places), new_key())).terminal
        code = await opened(places, replace=True)
        assert (await places.terminal(old.id)).state is TerminalState.ACTIVE
        enrolled = await places.enrol_by_code(code, new_key())
        assert enrolled.replaced == old.id
        assert (await places.terminal(old.id)).state is TerminalState.REVOKED

    async def test_a_key_that_had_a_terminal_gets_no_other_one_and_the_code_stays_good(self, places):
        key = new_key()
        old = (await places.enrol_by_code(await opened(places), key)).terminal
        await places.revoke_terminal(old.id)
        code = await opened(places)
        with pytest.raises(Conflict):
            await places.enrol_by_code(code, key)
        assert (await places.enrol_by_code(code, new_key())).terminal.room == "p1"

    @pytest.mark.parametrize("text", ["", "AAAA", "0" * 16, "\ud800" * 16, "A" * 100_000])
    async def test_garbage_is_no_code(self, places, text):
        assert read_code(text) is None
        with pytest.raises(EnrolmentRefused):
            await places.enrol_by_code(text, new_key())


class TestTerminals:
    async def test_a_revoked_one_signs_in_no_more_and_its_room_is_free(self, places):
        terminal = await enrol(places, "p1")
        token = await signed_in(places, terminal.id)
        await places.revoke_terminal(terminal.id)
        assert await places.terminal_by_token(token) is None
        with pytest.raises(TerminalRevoked):
            await signed_in(places, terminal.id)
        with pytest.raises(NotFound):
            await places.revoke_terminal(terminal.id)
        assert (await enrol(places, "p1")).id != terminal.id

    async def test_one_in_conflict_is_refused_until_an_administrator_readmits_it(self, places):
        terminal = await enrol(places, "p1")
        token = await signed_in(places, terminal.id)
        assert await places.conflict_terminal(terminal.id) is True
        assert await places.conflict_terminal(terminal.id) is False
        assert await places.conflicted_terminals() == 1
        assert await places.terminal_by_token(token) is None
        with pytest.raises(TerminalConflict):
            await signed_in(places, terminal.id)
        assert (await places.readmit_terminal("p1")).state is TerminalState.ACTIVE
        assert await places.terminal_by_token(token) is None
        assert await places.terminal_by_token(await signed_in(places, terminal.id)) is not None
        with pytest.raises(NotFound):
            await places.readmit_terminal("p1")

    async def test_one_in_conflict_can_be_replaced_and_is_then_no_more_waited_for(self, places):
        terminal = await enrol(places, "p1")
        await places.conflict_terminal(terminal.id)
        await places.enrol_by_code(await opened(places, replace=True), new_key())
        assert await places.conflicted_terminals() == 0
        with pytest.raises(NotFound):
            await places.readmit_terminal("p1")

    async def test_a_room_that_does_not_exist_enrols_none(self, store):
        with pytest.raises(NotFound):
            await enrol(store, "nowhere")

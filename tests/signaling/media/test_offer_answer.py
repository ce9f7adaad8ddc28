"""WHIP and WHEP as in RFC 9725, with every refusal of the protocol's table."""

import json
from datetime import timedelta

import pytest

from broker.kernel.errors import CodecMissing, MalformedSdp, RelayUnavailable
from broker.kernel.ids import Side
from broker.presence.quorum import Watcher, watcher_of
from signaling.auth.session_expiry import check_all
from signaling.media import resources as resources
from tests.support.signaling.front import ANSWER, FRAGMENT, OFFER

SDP = {"headers": {"Content-Type": "application/sdp"}, "data": OFFER}
TRICKLE = "application/trickle-ice-sdpfrag"
RESTART = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\n"
WHIP, WHEP = "/whip/{}", "/whep/{}/visitor"


@pytest.fixture
async def session(front):
    """A visit in its check-in window."""
    session = await front.visit()
    front.at(timedelta(minutes=-10))
    return session


async def published(front, session, caller="p1"):
    answer = await front.ask("POST", f"/whip/{session}", caller, **SDP)
    assert answer.status == 201
    return answer


async def patch(front, path, caller, tag):
    return await front.ask("PATCH", path, caller, data=RESTART, headers={"Content-Type": TRICKLE, "If-Match": tag})


class TestPublishing:
    async def test_the_answer_is_that_of_rfc_9725(self, front, session):
        answer = await published(front, session)
        assert (answer.content_type, await answer.text()) == ("application/sdp", ANSWER)
        location = answer.headers["Location"]
        assert location.startswith(f"/whip/{session}/res_") and answer.headers["ETag"].startswith('"')
        assert (await front.ask("DELETE", location, "p1")).status == 200
        assert front.broker.dropped == [location.rpartition("/")[2]]
        await front.refused("not_found", "DELETE", location, "p1")

    async def test_a_resource_belongs_to_its_maker_alone(self, front, session):
        location = (await published(front, session)).headers["Location"]
        await front.refused("not_found", "DELETE", location, "v1")
        await front.refused("forbidden", "DELETE", location, "prison-sup")
        await front.refused("not_found", "DELETE", location.replace("whip", "whep/visitor"), "p1")
        assert front.broker.dropped == []

    async def test_a_replaced_resource_stays_its_makers_until_the_relay_has_ended_it(self, front, session):
        first, second, third = [(await published(front, session)).headers["Location"] for _ in range(3)]
        assert (await front.ask("DELETE", second, "p1")).status == 200
        front.broker.bus.emit("gone", first.rpartition("/")[2])
        await front.refused("not_found", "DELETE", first, "p1")
        assert (await front.ask("DELETE", third, "p1")).status == 200

    async def test_patch_with_the_right_tag_is_accepted_and_changes_nothing(self, front, session):
        answer = await published(front, session)
        path, tag = answer.headers["Location"], answer.headers["ETag"]
        body = {"data": "a=end-of-candidates\r\n"}

        def with_tag(tag):
            return body | {"headers": {"Content-Type": TRICKLE} | ({"If-Match": tag} if tag else {})}

        assert (await front.ask("PATCH", path, "p1", **with_tag(tag))).status == 204
        await front.refused("precondition_required", "PATCH", path, "p1", **with_tag(""))
        await front.refused("precondition_failed", "PATCH", path, "p1", **with_tag('"old"'))
        await front.refused("unsupported_type", "PATCH", path, "p1", **SDP)
        for nonsense in ("", "hello", "a=mid:0\r\n", "a=candidate:x\r\n", "v=0\r\na=end-of-candidates\r\n"):
            await front.refused("malformed_sdp", "PATCH", path, "p1", **(with_tag(tag) | {"data": nonsense}))
        assert front.broker.fragments == []

    @pytest.mark.parametrize("any_tag", ["*", '"*"'])
    async def test_patch_for_any_tag_restarts_ice_under_a_new_tag(self, front, session, any_tag):
        answer = await published(front, session)
        path, tag = answer.headers["Location"], answer.headers["ETag"]
        patched = await patch(front, path, "p1", any_tag)
        assert (patched.status, patched.content_type, await patched.text()) == (200, TRICKLE, FRAGMENT)
        assert front.broker.fragments == [RESTART]
        assert patched.headers["ETag"] not in (tag, "")
        assert (await patch(front, path, "p1", patched.headers["ETag"])).status == 204
        assert (await patch(front, path, "p1", f'"other", {patched.headers["ETag"]}')).status == 204
        assert (await patch(front, path, "p1", tag)).status == 412

    async def test_a_restart_that_is_refused_changes_nothing(self, front, session, monkeypatch):
        answer = await published(front, session)
        path, tag = answer.headers["Location"], answer.headers["ETag"]

        async def refuse(*_):
            raise MalformedSdp()

        monkeypatch.setattr(front.broker, "restart", refuse)
        assert (await patch(front, path, "p1", "*")).status == 400
        assert (await patch(front, path, "p1", tag)).status == 204
        assert (await patch(front, path, "v1", "*")).status == 404

    async def test_restarts_count_like_posts(self, front, session):
        path = (await published(front, session)).headers["Location"]
        for _ in range(19):
            assert (await patch(front, path, "p1", "*")).status == 200
        assert (await patch(front, path, "p1", "*")).status == 429

    @pytest.mark.parametrize("path", ["/whip/{}", "/whep/{}/prison", "/whip/{}/voice", "/whep/ses_a/{}"])
    async def test_options_of_what_cannot_be_an_id_are_not_found(self, front, path):
        for trick in ("%C2%84", "Ses", "a" * 65, "..%2f.."):
            await front.refused("not_found", "OPTIONS", path.format(trick))

    async def test_options_say_the_same_for_every_session(self, front, session):
        for path in (f"/whip/{session}", "/whip/none", f"/whep/{session}/prison", "/whep/none/x"):
            answer = await front.ask("OPTIONS", path)
            assert (answer.status, answer.headers["Accept-Post"]) == (204, "application/sdp")

    async def test_a_resource_that_the_relay_ended_is_gone(self, front, session):
        location = (await published(front, session)).headers["Location"]
        front.broker.bus.emit("gone", location.rpartition("/")[2])
        await front.refused("not_found", "DELETE", location, "p1")


class TestWatching:
    async def test_a_room_watches_the_far_room_behind_the_gate(self, front, session):
        answer = await front.ask("POST", WHEP.format(session), "p1", **SDP)
        (offer,) = front.broker.offers
        assert answer.status == 201 and offer.gated and watcher_of(offer.subscriber) is None
        assert (await front.ask("DELETE", answer.headers["Location"], "p1")).status == 200

    async def test_supervisors_of_both_sites_watch_both_sides(self, front, session):
        for caller in ("prison-sup", "visitor-sup"):
            for side in Side:
                assert (await front.ask("POST", f"/whep/{session}/{side}", caller, **SDP)).status == 201
        assert not any(offer.gated for offer in front.broker.offers)
        assert [watcher_of(offer.subscriber)[0] for offer in front.broker.offers[::2]] == [
            Watcher("prison-sup", "first-prison"),
            Watcher("visitor-sup", "panlong"),
        ]

    async def test_other_callers_may_not_watch(self, front, session):
        for caller in ("auditor", "admin", "clerk", "approver", "booking"):
            await front.refused("forbidden", "POST", WHEP.format(session), caller, **SDP)
        await front.refused("no_slot", "POST", WHEP.format(session), "foreign-sup", **SDP)
        await front.refused("not_found", "POST", f"/whep/{session}/upside", "prison-sup", **SDP)


class TestRefusals:
    async def refused(self, front, code, path, caller, kind, **changes):
        await front.refused(code, "POST", path, caller, **(SDP | changes))
        noted = await front.noted(kind)
        assert [json.loads(one.data)["code"] for one in noted] == [code]
        assert not front.context.resources.holders()
        return noted[0]

    @pytest.mark.parametrize(("path", "kind"), [(WHIP, "WhipRefused"), (WHEP, "WhepRefused")])
    async def test_a_wrong_token(self, front, session, path, kind):
        await front.refused("not_signed_in", "POST", path.format(session), "trm_wrong_wrong", **SDP)
        assert await front.noted(kind) == [] and not front.context.resources.holders()
        front.journal.note_counts()
        (counted,) = await front.noted("RefusalsCounted")
        refusal = {"kind": kind, "code": "not_signed_in", "count": 1, "prefixes": 1}
        assert (counted.author, json.loads(counted.data)) == ("unknown", {"refusals": [refusal]})

    @pytest.mark.parametrize(("path", "kind"), [(WHIP, "WhipRefused"), (WHEP, "WhepRefused")])
    async def test_no_slot(self, front, path, kind):
        await self.refused(front, "no_slot", path.format("ses_none"), "p1", kind)

    @pytest.mark.parametrize(("path", "kind"), [(WHIP, "WhipRefused"), (WHEP, "WhepRefused")])
    async def test_the_terminal_of_another_room(self, front, session, path, kind):
        noted = await self.refused(front, "wrong_room", path.format(session), "p2", kind)
        assert json.loads(noted.data)["room"] == "p2"

    @pytest.mark.parametrize(("path", "kind"), [(WHIP, "WhipRefused"), (WHEP, "WhepRefused")])
    async def test_before_the_window(self, front, path, kind):
        session = await front.visit()
        front.at(timedelta(minutes=-31))
        await self.refused(front, "too_early", path.format(session), "p1", kind)

    @pytest.mark.parametrize(("path", "kind"), [(WHIP, "WhipRefused"), (WHEP, "WhepRefused")])
    async def test_after_the_end(self, front, path, kind):
        session = await front.visit()
        front.at(timedelta(minutes=41))
        await self.refused(front, "session_ended", path.format(session), "p1", kind)

    async def test_watching_ones_own_side(self, front, session):
        await self.refused(front, "second_side", f"/whep/{session}/prison", "p1", "WhepRefused")

    async def test_a_user_does_not_publish(self, front, session):
        await self.refused(front, "forbidden", WHIP.format(session), "prison-sup", "WhipRefused")

    @pytest.mark.parametrize("body", ["", "hello", "v=0\x00", "{}"])
    async def test_a_body_that_is_no_offer(self, front, session, body):
        await self.refused(front, "malformed_sdp", WHIP.format(session), "p1", "WhipRefused", data=body)

    async def test_a_body_that_is_not_text(self, front, session):
        await self.refused(front, "bad_request", WHIP.format(session), "p1", "WhipRefused", data=b"v=0\xff")

    async def test_an_offer_that_is_too_large(self, front, session):
        await self.refused(front, "too_large", WHIP.format(session), "p1", "WhipRefused", data=OFFER + "a" * 65_536)

    async def test_the_wrong_type(self, front, session):
        kind = {"Content-Type": "application/json"}
        await self.refused(front, "unsupported_type", WHIP.format(session), "p1", "WhipRefused", headers=kind)

    @pytest.mark.parametrize("error", [CodecMissing(), RelayUnavailable()])
    async def test_what_the_relay_refuses(self, front, session, monkeypatch, error):
        async def refuse(*_):
            raise error

        monkeypatch.setattr(front.broker, "negotiate", refuse)
        await self.refused(front, error.code, WHIP.format(session), "p1", "WhipRefused")


class TestLimits:
    async def test_posting_again_and_again_is_stopped(self, front, session):
        for _ in range(20):
            await published(front, session)
        await front.refused("too_many", "POST", WHIP.format(session), "p1", **SDP)
        front.clock.forward(timedelta(seconds=1))
        await published(front, session)

    async def test_a_caller_holds_no_more_than_a_wall_can_show(self, front, session, monkeypatch):
        monkeypatch.setattr(resources, "PER_USER", 1)
        for _ in range(2):
            assert (await front.ask("POST", WHEP.format(session), "prison-sup", **SDP)).status == 201
        await front.refused("too_many", "POST", f"/whep/{session}/prison", "prison-sup", **SDP)

    async def test_a_wall_that_connects_again_is_not_too_many(self, front, session, monkeypatch):
        monkeypatch.setattr(resources, "PER_USER", 2)
        for side in Side:
            for _ in range(2):
                assert (await front.ask("POST", f"/whep/{session}/{side}", "prison-sup", **SDP)).status == 201

    async def test_a_wall_of_nine_may_be_loaded_twice_and_an_endless_loop_is_refused(self, front, session):
        wall = 9 * len(Side) + 1  # and talkback
        for _ in range(2 * wall):
            assert (await front.ask("POST", WHEP.format(session), "prison-sup", **SDP)).status == 201
        for _ in range(resources.PER_USER - 2 * wall):
            assert (await front.ask("POST", WHEP.format(session), "prison-sup", **SDP)).status == 201
        answer = await front.ask("POST", WHEP.format(session), "prison-sup", **SDP)
        assert answer.status == 429 and (await answer.json())["retry_after"] == 1
        front.clock.forward(timedelta(seconds=1))
        assert (await front.ask("POST", WHEP.format(session), "prison-sup", **SDP)).status == 201

    async def test_one_officer_has_three_windows_of_one_picture_and_a_closed_one_makes_room(self, front, session):
        async def shown_in(window, side="visitor", caller="prison-sup"):
            return await front.ask("POST", f"/whep/{session}/{side}?page=windows{window}", caller, **SDP)

        first, *others = [await shown_in(window) for window in (1, 2, 3)]
        assert [one.status for one in (first, *others)] == [201] * 3
        refused = await shown_in(4)
        problem = await refused.json()
        assert (refused.status, problem["code"], problem["windows"]) == (429, "too_many_windows", 3)
        assert "关闭" in problem["detail"] and "Close one" in problem["detail_en"]
        assert (await shown_in(2)).status == 201, "a window that connects again is not another one"
        assert (await shown_in(4, "prison")).status == 201, "the other side is another picture"
        assert (await shown_in(4, caller="visitor-sup")).status == 201, "a colleague has windows of their own"
        front.broker.bus.emit("gone", first.headers["Location"].rpartition("/")[2])
        assert (await shown_in(4)).status == 201

    async def test_a_flood_of_refusals_leaves_a_sample_in_the_journal_and_a_count(self, front, session):
        for _ in range(50):
            await front.refused("wrong_room", "POST", WHIP.format(session), "p2", **SDP)
        assert len(await front.noted("WhipRefused")) == 30
        front.journal.note_counts()
        (counted,) = await front.noted("RequestsCounted")
        assert json.loads(counted.data) == {"kinds": {"WhipRefused": 20}}


class TestTheEndOfASignIn:
    async def test_signing_out_ends_the_pictures(self, front, session):
        token = await front.store.issue_user_token("prison-sup", timedelta(hours=1))
        await front.ask("POST", WHEP.format(session), token, **SDP)
        await front.ask("POST", "/api/v1/sign-out", token)
        assert len(front.broker.dropped) == 1

    async def test_signing_out_ends_replaced_pictures_too(self, front, session):
        token = await front.store.issue_user_token("prison-sup", timedelta(hours=1))
        for _ in range(2):
            await front.ask("POST", WHEP.format(session), token, **SDP)
        await front.ask("POST", "/api/v1/sign-out", token)
        assert len(set(front.broker.dropped)) == 2

    async def test_media_that_cannot_be_ended_are_tried_again(self, front, session, monkeypatch):
        await published(front, session)
        drop = front.broker.drop

        async def unavailable(*_):
            raise RelayUnavailable()

        monkeypatch.setattr(front.broker, "drop", unavailable)
        (terminal,) = [one for one in await front.store.terminals() if one.room == "p1"]
        await front.store.revoke_terminal(terminal.id)
        await check_all(front.context)
        monkeypatch.setattr(front.broker, "drop", drop)
        await check_all(front.context)
        assert len(front.broker.dropped) == 1 and not front.context.resources.holders()

    async def test_a_revoked_terminal_loses_its_media_at_the_next_check(self, front, session):
        await published(front, session)
        await check_all(front.context)
        assert front.broker.dropped == []
        (terminal,) = [one for one in await front.store.terminals() if one.room == "p1"]
        await front.store.revoke_terminal(terminal.id)
        await check_all(front.context)
        assert len(front.broker.dropped) == 1 and not front.context.resources.holders()

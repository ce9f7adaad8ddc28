"""Guangdong 35, Yunnan 27(1): without a slot the server accepts no media. Every refusal is a problem document and is
journaled."""

from datetime import timedelta
from typing import Any

import pytest

from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from tests.support.installation import Installation
from tests.support.offers import WATCH, publish_offer
from tests.support.terminals import token_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSED = ("WhipRefused", "WhepRefused")


async def _post(installation: Installation, path: str, token: str, sdp: str) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    async with installation.http.post(f"{installation.server}{path}", data=sdp, headers=headers) as response:
        assert response.status >= 400, "the server accepted it"
        assert response.content_type == "application/problem+json"
        return response.status, await response.json()


def _later(**delta: int) -> str:
    return (SystemClock().now().wall + timedelta(**delta)).isoformat()


class TestRefusals:
    async def test_each_is_a_journaled_problem_document_and_opens_no_port(self, installation: Installation) -> None:
        prison, visitor = [await installation.terminal_token(side) for side in Side]
        early = await installation.slot(starts_at=_later(hours=2), ends_at=_later(hours=3))
        now = await installation.slot()
        officer = (await installation.officers())[0]
        offer = await publish_offer()
        cases = [
            (f"/whip/{now}", "hj_t_wrong", offer, 401, "not_signed_in"),
            ("/whip/ses_aaaaaaaaaaaaaaaaaaaaaaaaaa", prison, offer, 404, "no_slot"),
            (f"/whip/{early}", prison, offer, 403, "too_early"),
            (f"/whep/{now}/prison", prison, WATCH, 409, "second_side"),
            (f"/whip/{now}", officer.token, offer, 403, "forbidden"),
            (f"/whip/{now}", visitor, "v=0 nonsense", 400, "malformed_sdp"),
            (f"/whip/{now}", visitor, offer.replace("H264", "VP8"), 422, "codec_missing"),
            (f"/whip/{now}", visitor, offer.replace("t=0 0", "t=0 0\r\na=ice-lite"), 422, "unsupported_offer"),
            (f"/whip/{now}", visitor, offer.replace("a=rtcp-mux", "a=x"), 422, "unsupported_offer"),
            (f"/whip/{now}", visitor, offer.replace("UDP/TLS/RTP/SAVPF", "RTP/XVPF"), 422, "unsupported_offer"),
            (f"/whip/{now}", visitor, offer.replace("a=fingerprint:sha-", "a=fingerprint:md"), 400, "malformed_sdp"),
        ]
        for path, token, sdp, status, code in cases:
            answered, problem = await _post(installation, path, token, sdp)
            assert (answered, problem["code"]) == (status, code), path
            assert problem["detail"] and problem["detail_en"]
        await officer.end(now, "YN-17-1")
        answered, problem = await _post(installation, f"/whip/{now}", prison, offer)
        assert (answered, problem["code"]) == (410, "session_ended")
        journal = await installation.journal_with(now, lambda _, data: data.get("code") == "session_ended")
        refused = [data["code"] for kind, data in journal if kind in REFUSED]
        assert refused.count("session_ended") == 1 and "codec_missing" in refused and "second_side" in refused
        assert not [kind for kind, _ in journal if kind == "ResourceOpened"]

    async def test_a_terminal_of_another_room_is_refused(self, installation: Installation) -> None:
        await installation.store.add_room("demo-prison-2", "demo-prison", "二号会见室")
        other_room = await token_of(installation.store, "demo-prison-2")
        session = await installation.slot()
        answered, problem = await _post(installation, f"/whip/{session}", other_room, await publish_offer())
        assert (answered, problem["code"]) in [(403, "wrong_room"), (404, "no_slot")]
        await (await installation.officers())[0].end(session, "YN-17-1")  # the rooms are free for other tests

    @pytest.mark.parametrize("minutes", [31, 300])
    async def test_a_slot_longer_than_the_law_allows_is_refused(self, installation: Installation, minutes: int) -> None:
        headers = {"Authorization": f"Bearer {installation.credentials.key}"}
        body = {
            "prison_room": "demo-prison-1",
            "visitor_room": "demo-bureau-1",
            "starts_at": _later(minutes=1),
            "ends_at": _later(minutes=200),
            "minutes": minutes,
            "people": [
                {"id": "in-9", "side": "prison", "name": "甲"},
                {"id": "kin-9", "side": "visitor", "name": "乙", "relation": "母亲"},
            ],
            "approved_by": "监狱长",
            "article": "云南 第十四条",
        }
        async with installation.http.post(
            f"{installation.server}/api/v1/slots", json=body, headers=headers
        ) as response:
            assert response.status in (400, 422)

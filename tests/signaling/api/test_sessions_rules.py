"""The rules of a visit over REST: each room reads, hears and acknowledges its own (Yunnan 12, Guangdong 24)."""

from datetime import timedelta

import pytest

from broker.kernel.ids import Side
from broker.session import events as ev
from config.check_in import Manner
from config.pack_loader import load_pack

SESSIONS = "/api/v1/sessions"
TOUCHED = {"language": "zh", "manner": "touch"}
SOUND = b"OggS" + bytes(range(256)) * 20


def bearer(front):
    return {"Authorization": f"Bearer {front.tokens['p1']}"}


@pytest.fixture
async def opened(front):
    """A visit in its check-in window, as a path."""
    session = await front.visit()
    front.at(timedelta(minutes=-10))
    return f"{SESSIONS}/{session}"


@pytest.fixture
def recordings(front, tmp_path):
    """The folder of the recordings that read the rules aloud."""
    folder = tmp_path / "aloud"
    folder.mkdir()
    object.__setattr__(front.context.settings, "rules_audio_dir", folder)
    return folder


class TestAcknowledging:
    @pytest.mark.parametrize(("room", "side"), [("p1", Side.PRISON), ("v1", Side.VISITOR)])
    async def test_is_the_word_of_the_rooms_own_terminal(self, front, opened, room, side):
        await front.ask("POST", f"{opened}/acknowledge-rules", room, json={"language": "en", "manner": "key"})
        fact = front.broker.facts[-1]
        assert (fact.side, fact.text, fact.language) == (side, "yunnan-notice", "en")
        assert fact.manner is Manner.KEY and fact.by.startswith("trm_")

    async def test_twice_is_one_fact(self, front, opened):
        for _ in range(2):
            await front.ask("POST", f"{opened}/acknowledge-rules", "p1", json=TOUCHED)
        assert [type(fact) for fact in front.broker.facts].count(ev.RulesAcknowledged) == 1

    @pytest.mark.parametrize(
        ("caller", "code"),
        [("prison-sup", "forbidden"), ("auditor", "forbidden"), ("p2", "not_found"), ("w1", "not_found")],
    )
    async def test_is_no_other_terminals_and_no_officers(self, front, opened, caller, code):
        await front.refused(code, "POST", f"{opened}/acknowledge-rules", caller, json=TOUCHED)
        assert not any(isinstance(fact, ev.RulesAcknowledged) for fact in front.broker.facts)

    @pytest.mark.parametrize(
        "body",
        [{"language": "zh"}, TOUCHED | {"manner": "nod"}, TOUCHED | {"language": "../zh"}, TOUCHED | {"text": "x"}],
    )
    async def test_of_another_shape_is_refused(self, front, opened, body):
        await front.refused("bad_request", "POST", f"{opened}/acknowledge-rules", "p1", json=body)

    async def test_is_shown_per_side_with_its_time_and_to_officers_how(self, front, opened):
        before = (await front.ask("GET", opened, "prison-sup")).data
        assert {"prison_rules", "visitor_rules"} <= {lack["code"] for lack in before["missing"]}
        (words,) = [lack for lack in before["missing"] if lack["code"] == "visitor_rules"]
        assert words["zh"] == "会见人一方会见室尚未确认须知"
        await front.ask("POST", f"{opened}/acknowledge-rules", "v1", json=TOUCHED)
        after = (await front.ask("GET", opened, "prison-sup")).data
        shown = {name: after["sides"]["visitor"][name] for name in ("rules", "rules_at", "rules_manner")}
        assert shown == {"rules": True, "rules_at": "2026-03-02T01:50:00Z", "rules_manner": "touch"}
        assert not after["sides"]["prison"]["rules"] and after["sides"]["prison"]["rules_at"] is None
        assert "visitor_rules" not in {lack["code"] for lack in after["missing"]}
        room = (await front.ask("GET", opened, "p1")).data
        assert room["sides"]["visitor"]["rules"] and room["sides"]["visitor"]["rules_manner"] is None
        assert "prison_rules" in {lack["code"] for lack in room["missing"]}

    async def test_is_not_asked_for_once_people_meet(self, front):
        path = f"{SESSIONS}/{await front.live_visit()}"
        other = TOUCHED | {"language": "en"}
        await front.refused("conflict", "POST", f"{path}/acknowledge-rules", "p1", json=other)


class TestReading:
    @pytest.mark.parametrize("caller", ["p1", "v1", "prison-sup", "visitor-sup"])
    async def test_is_for_both_rooms_and_the_supervisors_of_both_sites(self, front, opened, caller):
        data, text = (await front.ask("GET", f"{opened}/rules", caller)).data, load_pack("yunnan").rules_text
        assert data["title"] == {"zh": text.title_zh, "en": text.title_en}
        assert data["lead"]["zh"] == "罪犯和会见人应当自觉遵守“十不准”规定："
        assert [point["zh"] for point in data["points"]] == [point.zh for point in text.points]
        assert data["points"][8] == {
            "id": "dont-9",
            "zh": "不准进行与远程视频会见无关的事项；",
            "en": "Do nothing that has nothing to do with the remote video visit.",
        }
        assert (data["id"], data["article"], data["audio"]) == ("yunnan-notice", "云南 远程视频会见须知", {})

    @pytest.mark.parametrize(
        ("caller", "code"),
        [("p2", "not_found"), ("foreign-sup", "not_found"), ("auditor", "forbidden"), ("approver", "forbidden")],
    )
    async def test_is_for_no_one_else(self, front, opened, caller, code):
        await front.refused(code, "GET", f"{opened}/rules", caller)
        await front.refused(code, "GET", f"{opened}/rules/audio/zh", caller)


class TestReadAloud:
    async def test_the_recordings_that_are_there_are_named_and_sent(self, front, opened, recordings):
        (recordings / "yunnan-notice.zh.ogg").write_bytes(SOUND)
        audio = (await front.ask("GET", f"{opened}/rules", "p1")).data["audio"]
        assert audio == {"zh": f"{opened}/rules/audio/zh"}
        answer = await front.client.get(audio["zh"], headers=bearer(front))
        assert (answer.status, answer.content_type, await answer.read()) == (200, "audio/ogg", SOUND)
        tagged = bearer(front) | {"If-None-Match": answer.headers["ETag"]}
        assert (await front.client.get(audio["zh"], headers=tagged)).status == 304

    @pytest.mark.parametrize(
        "language", ["en", "fr", "yunnan-notice", "..", "%2e%2e%2fsecret", "zh%00", "..%2f..%2fsecret.ogg"]
    )
    async def test_nothing_else_of_the_disk_can_be_had(self, front, opened, recordings, language):
        (recordings.parent / "secret").write_bytes(SOUND)
        (recordings / "fr").write_bytes(SOUND)
        answer = await front.client.get(f"{opened}/rules/audio/{language}", headers=bearer(front))
        assert answer.status == 404 and SOUND not in await answer.read()

    async def test_a_link_that_leads_out_of_the_folder_is_not_followed(self, front, opened, recordings):
        secret = recordings.parent / "secret.ogg"
        secret.write_bytes(SOUND)
        (recordings / "yunnan-notice.zh.ogg").symlink_to(secret)
        assert (await front.ask("GET", f"{opened}/rules", "p1")).data["audio"] == {}
        await front.refused("not_found", "GET", f"{opened}/rules/audio/zh", "p1")

    async def test_one_that_is_too_large_is_refused(self, front, opened, recordings):
        with (recordings / "yunnan-notice.en.ogg").open("wb") as file:
            file.truncate(8 * 2**20 + 1)
        await front.refused("too_large", "GET", f"{opened}/rules/audio/en", "p1")

    async def test_without_the_setting_there_is_none(self, front, opened):
        await front.refused("not_found", "GET", f"{opened}/rules/audio/zh", "p1")

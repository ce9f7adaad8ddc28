"""`huijian verify` says WHOLE only where something was looked at and nothing is wrong."""

import pytest

from recorder.signing import installed
from tests.recorder.archives import archived, make_work


class TestAnArchive:
    def test_that_is_empty_is_not_called_whole(self, huijian):
        answer = huijian("verify")
        assert answer.code == 1 and "WHOLE" not in answer.out

    def test_does_not_know_a_session_that_was_never_recorded(self, huijian):
        answer = huijian("verify", "ses_unknown", "--json")
        assert answer.code == 1
        assert answer.json["ok"] is False
        assert [damage["kind"] for damage in answer.json["damages"]] == ["not_found"]

    @pytest.mark.parametrize("where", ["option", "settings"])
    def test_with_a_film_without_its_manifest_is_damaged(self, huijian, place, where):
        archive = place / ("elsewhere" if where == "option" else "data/archive")
        folder = archive / "first-prison" / "2026" / "03" / "02" / "ses_a"
        folder.mkdir(parents=True)
        (folder / "session.mp4").write_bytes(b"not a film")
        more = ("--archive", str(archive)) if where == "option" else ()
        answer = huijian("verify", str(folder), *more)
        assert answer.code == 4
        assert answer.out.startswith("MISSING") and "WHOLE" not in answer.out


class TestAPublicKey:
    """An archive and one key that was kept elsewhere are all that is needed."""

    def test_shows_who_recorded(self, huijian, place):
        root = place / "elsewhere" / "archive"
        archived(make_work(root), root)
        (pem,) = (root / ".keys").iterdir()
        whole = huijian("verify", "--all", "--archive", str(root), "--public-key", str(pem))
        assert whole.code == 0 and "WHOLE 1 recordings" in whole.out and "CHAIN prison-site 1:" in whole.out
        other = installed(place / "other", place / "other-archive")
        (wrong,) = (place / "other-archive" / ".keys").iterdir()
        answer = huijian("verify", "session_one", "--archive", str(root), "--public-key", str(wrong), "--json")
        assert other.key and answer.code == 4
        assert "signature" in {damage["kind"] for damage in answer.json["damages"]}

    def test_that_is_none_is_a_wrong_usage(self, huijian, place):
        (place / "key.pem").write_text("no key")
        assert huijian("verify", "--public-key", "key.pem").code == 2

    def test_names_the_second(self, huijian, place):
        root = place / "data" / "archive"
        film = root / archived(make_work(root), root)["path"]
        data = bytearray(film.read_bytes())
        data[len(data) // 2] ^= 1
        film.chmod(0o600)
        film.write_bytes(data)
        answer = huijian("verify", "session_one")
        assert answer.code == 4 and answer.out.startswith(f"CHANGED {film} second ")

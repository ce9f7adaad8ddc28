"""The identity file: closed to others from its first moment, read back as it was, and one program's at a time."""

import pytest

from config.private_files import NotPrivate
from kiosk_agent.identity import identity_file
from kiosk_agent.identity.identity_file import Identity, IdentityError
from kiosk_agent.identity.keys import FileKey, KeyUnusable
from signaling.identity.proofs import is_signed
from tests.support.signing import encoded

SERVER = "https://huijian.example"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "terminal.json"
    identity_file.write(path, Identity(SERVER, "trm_a", FileKey.new()))
    return path


class TestFiles:
    def test_are_closed_and_read_back_with_a_key_that_signs(self, file):
        assert file.stat().st_mode & 0o777 == 0o600
        identity = identity_file.read(file)
        assert (identity.server, identity.terminal, identity.key.kind) == (SERVER, "trm_a", "file")
        assert is_signed(identity.key.public, encoded(identity.key.sign(b"x")), b"x")

    def test_are_never_written_over(self, file):
        before = file.read_bytes()
        with pytest.raises(IdentityError):
            identity_file.write(file, Identity(SERVER, "trm_b", FileKey.new()))
        with pytest.raises(IdentityError):
            identity_file.check_free(file)
        assert file.read_bytes() == before

    def test_need_a_folder_that_can_be_written(self, tmp_path):
        with pytest.raises(IdentityError):
            identity_file.check_free(tmp_path / "none" / "terminal.json")
        identity_file.check_free(tmp_path / "terminal.json")

    def test_that_others_can_read_are_refused(self, file):
        file.chmod(0o644)
        with pytest.raises(NotPrivate):
            identity_file.read(file)

    def test_without_a_key_of_the_right_kind_are_refused(self, file):
        text = file.read_text()
        file.write_text(text.replace("BEGIN PRIVATE KEY", "BEGIN NOTHING"))
        with pytest.raises(KeyUnusable):
            identity_file.read(file)

    def test_show_no_key_in_their_repr(self, file):
        assert "PRIVATE" not in repr(identity_file.read(file))


class TestUse:
    def test_is_one_programs_at_a_time(self, file):
        refused = pytest.raises(IdentityError, match="another program")
        with identity_file.in_use(file), refused, identity_file.in_use(file):
            raise AssertionError("two programs have it")
        with identity_file.in_use(file):
            pass

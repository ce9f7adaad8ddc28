"""Files with secrets: closed from their first moment, refused where others can read them, links not followed."""

import os
import threading

import pytest

from broker.control.store.secrets import IDENTITY_KEY, identity_key
from broker.kernel.errors import StorageUnavailable
from config import private_files
from config.private_files import NotPrivate
from config.settings import Settings, SettingsError
from recorder.evidence.algorithms import KeyProblem
from recorder.evidence.signing import PRIVATE, installed

UMASKS = (0, 0o002, 0o022, 0o077)


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request):
    """Each umask in which a service may be started."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path):
    """Return the permission bits of a file, of a link itself where it is one."""
    return path.lstat().st_mode & 0o777


def open_up(path):
    """Let the group read a file."""
    path.chmod(0o640)


def replace_by_link(path):
    """Put a link in the place of a file."""
    path.unlink()
    path.symlink_to("elsewhere")


class TestMaking:
    def test_a_file_is_closed_whatever_the_umask(self, tmp_path, umask):
        private_files.create(tmp_path / "secret", b"x")
        assert mode(tmp_path / "secret") == 0o600 and (tmp_path / "secret").read_bytes() == b"x"
        assert [path.name for path in tmp_path.iterdir()] == ["secret"]

    def test_a_file_is_never_open_for_a_moment(self, tmp_path, umask):
        seen, ended = set(), threading.Event()

        def watch():
            while not ended.is_set():
                for path in tmp_path.iterdir():
                    try:
                        seen.add(mode(path))
                    except FileNotFoundError:
                        continue

        watching = threading.Thread(target=watch)
        watching.start()
        for number in range(200):
            private_files.create(tmp_path / str(number), b"x" * 1000)
        ended.set()
        watching.join()
        assert seen <= {0o600}

    def test_what_is_there_is_not_replaced(self, tmp_path):
        target = tmp_path / "elsewhere"
        (tmp_path / "secret").symlink_to(target)
        with pytest.raises(FileExistsError):
            private_files.create(tmp_path / "secret", b"x")
        assert not target.exists() and sorted(path.name for path in tmp_path.iterdir()) == ["secret"]

    def test_a_folder_is_closed_whatever_the_umask(self, tmp_path, umask):
        private_files.close_folder(tmp_path / "a" / "b")
        assert mode(tmp_path / "a" / "b") == 0o700


class TestReading:
    @pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o777, 0o660])
    def test_a_file_that_others_can_read_or_change_is_refused_with_what_to_do(self, tmp_path, bits):
        path = tmp_path / "token"
        path.write_bytes(b"SECRET")
        path.chmod(bits)
        with pytest.raises(NotPrivate, match="chmod 600") as refusal:
            private_files.read(path)
        assert "SECRET" not in str(refusal.value) and "请" in str(refusal.value)

    @pytest.mark.parametrize("bits", [0o600, 0o400, 0o700])
    def test_a_closed_file_is_read(self, tmp_path, bits):
        path = tmp_path / "token"
        path.write_bytes(b"x")
        path.chmod(bits)
        assert private_files.read(path) == b"x"

    def test_a_link_is_not_followed(self, tmp_path):
        (tmp_path / "real").touch(mode=0o600)
        (tmp_path / "link").symlink_to(tmp_path / "real")
        (tmp_path / "nowhere").symlink_to(tmp_path / "none")
        for name in ("link", "nowhere"):
            with pytest.raises(NotPrivate, match="link"):
                private_files.read(tmp_path / name)

    def test_what_is_no_file_is_refused_without_waiting(self, tmp_path):
        os.mkfifo(tmp_path / "pipe", 0o600)
        with pytest.raises(NotPrivate, match="regular"):
            private_files.read(tmp_path / "pipe")
        with pytest.raises(OSError, match="directory"):
            private_files.read(tmp_path)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    def test_another_users_file_is_refused(self, tmp_path):
        path = tmp_path / "token"
        path.touch(mode=0o600)
        os.chown(path, 12345, 12345)
        with pytest.raises(NotPrivate, match="another user"):
            private_files.read(path)


class TestClosing:
    def test_what_an_older_version_left_open_is_closed(self, tmp_path):
        path, folder = tmp_path / "file", tmp_path / "folder"
        path.touch()
        path.chmod(0o644)
        folder.mkdir()
        folder.chmod(0o755)
        private_files.close_file(path)
        private_files.close_folder(folder)
        assert (mode(path), mode(folder)) == (0o600, 0o700)

    def test_a_folder_in_which_others_could_put_something_is_refused(self, tmp_path):
        tmp_path.chmod(0o770)
        with pytest.raises(NotPrivate, match="chmod 700"):
            private_files.close_folder(tmp_path)

    def test_links_are_neither_followed_nor_opened_up(self, tmp_path):
        real = tmp_path / "real"
        real.touch()
        real.chmod(0o644)
        (tmp_path / "link").symlink_to(real)
        (tmp_path / "folder").symlink_to(tmp_path)
        with pytest.raises(NotPrivate, match="link"):
            private_files.close_file(tmp_path / "link")
        with pytest.raises(NotPrivate, match="link"):
            private_files.close_folder(tmp_path / "folder")
        assert mode(real) == 0o644

    def test_a_file_that_is_not_there_is_made_only_where_asked(self, tmp_path, umask):
        private_files.close_file(tmp_path / "a")
        private_files.close_file(tmp_path / "b", make=True)
        assert not (tmp_path / "a").exists() and mode(tmp_path / "b") == 0o600


class TestInstallation:
    """The files of one installation: database, keys, sockets' folder."""

    def test_everything_is_closed_whatever_the_umask(self, tmp_path, umask):
        settings = Settings(data_dir=tmp_path / "data")
        settings.prepare()
        identity_key(settings.keys_dir)
        installed(settings.keys_dir, settings.archive_dir)
        made = [settings.data_dir, *settings.data_dir.rglob("*")]
        public = settings.archive_dir / ".keys"
        secret = [path for path in made if not path.is_relative_to(public)]
        assert {settings.keys_dir / IDENTITY_KEY, settings.keys_dir / PRIVATE} < set(secret)
        assert {path.name: oct(mode(path)) for path in secret if mode(path) & 0o077} == {}

    def test_a_database_that_is_a_link_is_refused(self, tmp_path):
        settings = Settings(data_dir=tmp_path / "data")
        settings.data_dir.mkdir()
        (settings.data_dir / "huijian.sqlite").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(SettingsError, match="link"):
            settings.prepare()
        assert not (tmp_path / "elsewhere").exists()

    def test_a_database_and_its_neighbours_that_were_open_are_closed(self, tmp_path):
        settings = Settings(data_dir=tmp_path / "data")
        settings.prepare()
        names = [f"huijian.sqlite{end}" for end in ("", "-wal", "-shm")]
        for name in names:
            (settings.data_dir / name).touch()
            (settings.data_dir / name).chmod(0o644)
        settings.prepare()
        assert {mode(settings.data_dir / name) for name in names} == {0o600}

    @pytest.mark.parametrize(
        "spoil", [lambda path: path.chmod(0o640), lambda path: (path.unlink(), path.symlink_to("x"))]
    )
    def test_open_keys_are_refused(self, tmp_path, spoil):
        settings = Settings(data_dir=tmp_path / "data")
        settings.prepare()
        identity_key(settings.keys_dir)
        installed(settings.keys_dir, settings.archive_dir)
        spoil(settings.keys_dir / IDENTITY_KEY)
        with pytest.raises(StorageUnavailable, match=r"chmod 600|link"):
            identity_key(settings.keys_dir)
        spoil(settings.keys_dir / PRIVATE)
        with pytest.raises(KeyProblem, match=r"chmod 600|link"):
            installed(settings.keys_dir, settings.archive_dir)

    def test_an_open_secret_of_turn_is_refused(self, tmp_path):
        secret = tmp_path / "turn.secret"
        secret.write_text("0123456789abcdef")
        secret.chmod(0o604)
        settings = Settings(data_dir=tmp_path / "data", turn_urls=("turn:t:3478",), turn_secret_file=secret)
        with pytest.raises(SettingsError, match="chmod 600"):
            settings.prepare()
        secret.chmod(0o600)
        settings.prepare()
        link = tmp_path / "link"
        link.symlink_to(secret)
        settings = Settings(data_dir=tmp_path / "data", turn_urls=("turn:t:3478",), turn_secret_file=link)
        with pytest.raises(SettingsError, match="link"):
            settings.prepare()

    def test_an_archive_that_others_can_write_to_is_refused(self, tmp_path):
        settings = Settings(data_dir=tmp_path / "data")
        settings.prepare()
        settings.archive_dir.chmod(0o777)
        with pytest.raises(SettingsError, match="another user"):
            settings.prepare()

"""Copies of checkpoints elsewhere: files that only grow, and syslog by unix socket, UDP and TCP."""

import re
import socket
from contextlib import closing

import pytest

from config.network import copy_place
from recorder.evidence.checkpoint_copies import CopyDiffers, copies
from recorder.evidence.checkpoints import checkpoint_in
from tests.recorder.evidence.test_checkpoints import AT, chain, head, keys_dir, made_chain  # noqa: F401
from tests.support.control.fixtures import StoodClock

RFC_5424 = re.compile(rb"<109>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 \S+ huijian \d+ checkpoint - (\{.*\})")


def copy_of(chain, place):  # noqa: F811
    return copies((str(place),), chain, StoodClock())["1"]


class TestAFile:
    @pytest.fixture
    def file(self, tmp_path):
        return tmp_path / "elsewhere.jsonl"

    def test_gets_every_checkpoint_once(self, chain, file):  # noqa: F811
        deliver = copy_of(chain, file)
        chain.append(1, head(1), AT, "start")
        assert deliver() == 1 and deliver() == 1
        chain.append(2, head(2), AT, "interval")
        chain.append(3, head(3), AT, "interval")
        assert deliver() == 3
        assert file.read_bytes() == chain.path.read_bytes()

    def test_is_brought_up_to_date_after_a_restart(self, chain, file):  # noqa: F811
        chain.append(1, head(1), AT, "start")
        copy_of(chain, file)()
        chain.append(2, head(2), AT, "stop")
        copy_of(chain, file)()
        assert file.read_bytes() == chain.path.read_bytes()

    def test_that_cannot_be_written_fails_and_catches_up(self, chain, tmp_path):  # noqa: F811
        chain.append(1, head(1), AT, "start")
        deliver = copy_of(chain, tmp_path / "not mounted" / "copy.jsonl")
        with pytest.raises(OSError, match="No such file"):
            deliver()
        (tmp_path / "not mounted").mkdir()
        assert deliver() == 1

    def test_a_line_that_a_full_disk_has_cut_off_is_written_again_whole(self, chain, file):  # noqa: F811
        chain.append(1, head(1), AT, "start")
        deliver = copy_of(chain, file)
        deliver()
        made = chain.append(2, head(2), AT, "interval")
        file.write_bytes(file.read_bytes() + chain.path.read_bytes().splitlines()[1][:100])
        assert deliver() == 2
        assert checkpoint_in(file.read_bytes().splitlines()[-1]) == made and len(file.read_bytes().splitlines()) == 3

    def test_of_another_chain_is_reported_and_still_gets_what_is_new(self, chain, file, tmp_path):  # noqa: F811
        other = made_chain(tmp_path / "other")
        (tmp_path / "other").mkdir(exist_ok=True)
        other.append(7, head(7), AT, "start")
        file.write_bytes(other.path.read_bytes())
        deliver = copy_of(chain, file)
        for seq in (1, 2, 3):
            made = chain.append(seq, head(seq), AT, "interval")
        with pytest.raises(CopyDiffers):
            deliver()
        assert checkpoint_in(file.read_bytes().splitlines()[-1]) == made
        assert len(file.read_bytes().splitlines()) == 2


class TestSyslog:
    def received(self, message):
        match = RFC_5424.fullmatch(message)
        assert match is not None, message
        return checkpoint_in(match[1])

    def test_by_a_unix_socket(self, chain, tmp_path):  # noqa: F811
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as server:
            server.bind(str(tmp_path / "log"))
            made = chain.append(1, head(1), AT, "start")
            assert copy_of(chain, f"syslog+unix://{tmp_path / 'log'}")() == 1
            assert self.received(server.recv(4096)) == made

    def test_by_udp_with_each_new_one(self, chain):  # noqa: F811
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
            server.bind(("127.0.0.1", 0))
            chain.append(1, head(1), AT, "start")
            deliver = copy_of(chain, f"syslog+udp://127.0.0.1:{server.getsockname()[1]}")
            for seq in (2, 3):
                chain.append(seq, head(seq), AT, "interval")
            assert deliver() == 3
            assert [self.received(server.recv(4096)).number for _ in range(3)] == [1, 2, 3]

    def test_by_tcp_with_the_length_before_each_message(self, chain):  # noqa: F811
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            made = chain.append(1, head(1), AT, "start")
            copy_of(chain, f"syslog+tcp://127.0.0.1:{server.getsockname()[1]}")()
            with closing(server.accept()[0]) as line, line.makefile("rb") as file:
                length, _, message = file.read().partition(b" ")
            assert int(length) == len(message) and self.received(message) == made

    def test_a_server_that_is_away_fails_and_gets_it_later(self, chain, tmp_path):  # noqa: F811
        chain.append(1, head(1), AT, "start")
        deliver = copy_of(chain, f"syslog+unix://{tmp_path / 'log'}")
        with pytest.raises(OSError, match="No such file"):
            deliver()
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as server:
            server.bind(str(tmp_path / "log"))
            assert deliver() == 1


def test_the_places_that_settings_may_name():
    assert copy_place("/mnt/a b/x.jsonl").path == "/mnt/a b/x.jsonl"
    assert copy_place("syslog+unix:///dev/log").path == "/dev/log"
    assert copy_place("syslog+udp://log.example")[2:] == ("log.example", 514)
    assert copy_place("syslog+tcp://[2001:db8::1]:6514")[2:] == ("2001:db8::1", 6514)
    for wrong in ("", "copy.jsonl", "syslog://x", "unix:///dev/log", "syslog+udp://", "https://x", "syslog+tcp://h:x"):
        with pytest.raises(ValueError, match="journal_copies"):
            copy_place(wrong)

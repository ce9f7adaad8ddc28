"""A terminal's key in a TPM 2.0, here a simulated one (swtpm): it signs in this chip, and nowhere else."""

import json
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest

from kiosk_agent.identity import identity_file, tpm
from kiosk_agent.identity.enrolment import encoded, new_key
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.identity.keys import KeyUnusable
from signaling.identity.proofs import is_signed, read_key

pytest.importorskip("tpm2_pytss", reason="the library of TPMs is an extra: pip install 'huijian[tpm]'")
pytestmark = pytest.mark.skipif(shutil.which("swtpm") is None, reason="no simulated TPM: apt-get install swtpm")

TEXT = b"huijian terminal session 1\nhttps://huijian.example\ntrm_a"


def neighbours():
    """Two neighbouring ports that are free, as the library expects those of a simulated TPM."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port, port + 1
    raise AssertionError("no two neighbouring ports are free")


def started(folder):
    """Start a simulated TPM; return it and its port, None where another program has taken the ports meanwhile."""
    port, control = neighbours()
    command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--flags", "not-need-init,startup-clear"]
    process = subprocess.Popen([*command, "--server", f"type=tcp,port={port}", "--ctrl", f"type=tcp,port={control}"])
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", control)) == 0:
                return process, port
        time.sleep(0.01)  # another process sets no event in this one
    return None


@contextmanager
def chip(folder):
    """Run a simulated TPM with its state in `folder`; yield how to reach it."""
    folder.mkdir(exist_ok=True)
    running = started(folder) or started(folder)
    assert running is not None, "the simulated TPM does not start"
    process, port = running
    try:
        yield f"swtpm:host=127.0.0.1,port={port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A machine with a TPM."""
    with chip(tmp_path / "chip") as way:
        monkeypatch.setenv(tpm.TCTI, way)
        yield way


class TestKeys:
    def test_are_made_in_the_chip_where_there_is_one_and_sign_for_the_server(self, here):
        key = new_key()
        assert key.kind == "tpm" and read_key(encoded(key.public)) == key.public
        for _ in range(3):  # nothing is left in the chip's few places for keys
            assert is_signed(key.public, encoded(key.sign(TEXT)), TEXT)

    def test_come_back_from_their_file_which_holds_no_private_key(self, here, tmp_path):
        key, file = new_key(), tmp_path / "terminal.json"
        identity_file.write(file, Identity("https://huijian.example", "trm_a", key))
        assert "pem" not in json.loads(file.read_text())["key"] and "PRIVATE KEY" not in file.read_text()
        again = identity_file.read(file).key
        assert again.public == key.public
        assert is_signed(key.public, encoded(again.sign(TEXT)), TEXT)

    def test_are_there_again_after_the_machine_was_started_again(self, tmp_path, monkeypatch):
        with chip(tmp_path / "chip") as way:
            monkeypatch.setenv(tpm.TCTI, way)
            key = new_key()
        with chip(tmp_path / "chip") as way:
            monkeypatch.setenv(tpm.TCTI, way)
            assert is_signed(key.public, encoded(tpm.TpmKey.from_json(key.to_json()).sign(TEXT)), TEXT)

    def test_are_worth_nothing_in_another_machine(self, here, tmp_path, monkeypatch):
        key = new_key()
        with chip(tmp_path / "another") as way:
            monkeypatch.setenv(tpm.TCTI, way)
            with pytest.raises(KeyUnusable, match="chip that the key was made in"):
                key.sign(TEXT)

    def test_of_a_chip_that_is_gone_are_refused_with_what_to_look_at(self, tmp_path, monkeypatch):
        with chip(tmp_path / "chip") as way:
            monkeypatch.setenv(tpm.TCTI, way)
            key = new_key()
        with pytest.raises(KeyUnusable, match="group tss"):
            key.sign(TEXT)

    @pytest.mark.parametrize("values", [{}, {"wrapped": "x", "area": "x"}, {"wrapped": "AAAA", "area": 1}])
    def test_of_broken_files_are_refused(self, here, values):
        with pytest.raises(KeyUnusable, match="enrol the terminal anew"):
            _ = tpm.TpmKey.from_json(values).public

    def test_a_changed_public_half_is_refused(self, here):
        values = new_key().to_json()
        with pytest.raises(KeyUnusable):
            _ = tpm.TpmKey.from_json({**values, "area": values["area"][:8]}).public

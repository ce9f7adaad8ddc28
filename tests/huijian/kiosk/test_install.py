"""`huijian kiosk install` says what it would do, does it below a folder, and does it once."""

from huijian.kiosk.install import _look_for
from kiosk_agent.deploy.installation import PROGRAMS


def test_a_dry_run_writes_nothing_and_says_what_is_next(huijian, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    answer = huijian("kiosk", "install", "--root", str(root))
    assert answer.code == 0 and "huijian-kiosk.service" in answer.out and "kiosk enrol" in answer.out
    assert list(root.iterdir()) == []


def test_it_writes_once_and_a_second_run_has_nothing_to_do(huijian, tmp_path):
    first = huijian("kiosk", "install", "--apply", "--root", str(tmp_path), "--json")
    assert first.code == 0 and all(row["written"] for row in first.json)
    second = huijian("kiosk", "install", "--apply", "--root", str(tmp_path), "--json")
    assert not any(row["written"] for row in second.json)
    assert (tmp_path / "etc/systemd/system/huijian-kiosk.service").is_file()


def test_only_root_writes_into_the_machine_itself(huijian, monkeypatch):
    monkeypatch.setattr("huijian.kiosk.install.os.geteuid", lambda: 1000)
    answer = huijian("kiosk", "install", "--apply")
    assert answer.code == 1 and "root" in answer.err


def test_programs_that_the_terminal_lacks_are_named_with_their_packages(monkeypatch, capsys):
    monkeypatch.setattr("huijian.kiosk.install.shutil.which", lambda name: None if name == "Xwayland" else f"/{name}")
    _look_for(PROGRAMS)
    assert "apt-get install xwayland." in capsys.readouterr().err
    monkeypatch.setattr("huijian.kiosk.install.shutil.which", lambda name: f"/{name}")
    _look_for(PROGRAMS)
    assert capsys.readouterr().err == ""

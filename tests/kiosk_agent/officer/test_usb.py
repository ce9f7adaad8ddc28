"""USB media are found among the mounts: by their device, or by where they are mounted, and only where one may write."""

from pathlib import Path

import pytest

from kiosk_agent.officer.usb import UsbFinder


@pytest.fixture
def finder(tmp_path: Path) -> UsbFinder:
    """A machine with a fixed disk sda, a stick sdb with a partition, and nothing mounted yet."""
    for disk, removable in (("sda", "0"), ("sdb", "1")):
        (tmp_path / "devices" / disk / f"{disk}1").mkdir(parents=True)
        (tmp_path / "devices" / disk / "removable").write_text(f"{removable}\n")
    (tmp_path / "block").mkdir()
    for name, place in (("sda", "sda"), ("sda1", "sda/sda1"), ("sdb", "sdb"), ("sdb1", "sdb/sdb1")):
        (tmp_path / "block" / name).symlink_to(tmp_path / "devices" / place)
    (tmp_path / "mounts").touch()
    return UsbFinder(tmp_path / "mounts", tmp_path / "block", (tmp_path / "media",))


def _mount(finder: UsbFinder, device: str, folder: Path, options: str = "rw,nosuid") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with finder.mounts.open("a") as mounts:
        mounts.write(f"{device} {str(folder).replace(' ', chr(92) + '040')} vfat {options} 0 0\n")
    return folder


class TestAMediumIsFound:
    def test_on_a_device_that_can_be_taken_out(self, finder: UsbFinder, tmp_path: Path) -> None:
        _mount(finder, "/dev/sda1", tmp_path / "data")
        stick = _mount(finder, "/dev/sdb1", tmp_path / "stick")
        assert [place.folder for place in finder.find()] == [stick]

    def test_where_media_are_mounted_also_with_a_space_in_its_name(self, finder: UsbFinder, tmp_path: Path) -> None:
        stick = _mount(finder, "/dev/sda1", tmp_path / "media" / "MY STICK")
        (found,) = finder.find()
        assert found.folder == stick and found.free > 0


class TestNothingIsFound:
    def test_where_nothing_is_mounted(self, finder: UsbFinder) -> None:
        assert finder.find() == ()

    def test_on_a_medium_that_is_mounted_for_reading(self, finder: UsbFinder, tmp_path: Path) -> None:
        _mount(finder, "/dev/sdb1", tmp_path / "stick", "ro,nosuid")
        assert finder.find() == ()

    @pytest.mark.parametrize("device", ["tmpfs", "/dev/mapper/root", "/dev/sdz1", "//server/share"])
    def test_on_devices_that_are_none(self, finder: UsbFinder, tmp_path: Path, device: str) -> None:
        _mount(finder, device, tmp_path / "elsewhere")
        assert finder.find() == ()

    def test_in_the_folder_of_media_itself(self, finder: UsbFinder, tmp_path: Path) -> None:
        _mount(finder, "tmpfs", tmp_path / "media")
        assert finder.find() == ()

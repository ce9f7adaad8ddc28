"""The keys of witnesses: a public half is published whole or not at all."""

from pathlib import Path

import pytest

from recorder.witness.keys import PUBLIC, witness_keys, witness_signer


def test_a_disk_that_fails_while_a_key_is_published_leaves_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, keys_dir = tmp_path / "archive", tmp_path / "keys"
    write = Path.write_bytes

    def half(path: Path, data: bytes) -> int:
        if PUBLIC not in path.parts:
            return write(path, data)
        write(path, data[: len(data) // 2])
        raise OSError("no space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", half)
        with pytest.raises(OSError, match="no space"):
            witness_signer(keys_dir, archive, "bureau")
    assert witness_keys(archive / PUBLIC) == {}
    signer = witness_signer(keys_dir, archive, "bureau")
    assert signer is not None
    assert {site: key.id for site, key in witness_keys(archive / PUBLIC).items()} == {"bureau": signer.public.id}
    assert list((archive / PUBLIC).glob("*.pem*")) == [archive / PUBLIC / "bureau.pem"]

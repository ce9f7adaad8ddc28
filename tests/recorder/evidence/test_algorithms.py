"""A kind of key from another package, as for a token: it signs, and its signatures are checked like all others."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from broker.kernel import atomic_files
from recorder.archive.finalize import finalise
from recorder.evidence import algorithms
from recorder.evidence.algorithms import KeyProblem, PublicKey, Signer
from recorder.evidence.signing import Keys, beside, installed, public_key, trusted
from recorder.evidence.verify import verify
from tests.support.recording.archives import REASON, archived, make_work
from tests.support.recording.feed import WALL

SECRET = ec.generate_private_key(ec.SECP256R1())


class Public:
    """The public half of a key in a simulated token."""

    algorithm = "Token"

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        self._key = key
        self.id = f"{key.public_numbers().x:064x}"[:16]

    def verify(self, signature: bytes, data: bytes) -> bool:
        try:
            self._key.verify(signature, data, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    def pem(self) -> bytes:
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Token:
    """A simulated token, whose private key is in no file."""

    public = Public(SECRET.public_key())

    def sign(self, data: bytes) -> bytes:
        return SECRET.sign(data, ec.ECDSA(SHA256()))


class TokenScheme:
    algorithm = "Token"

    def signer(self, folder: Path) -> Signer:
        return Token()

    def own(self, folder: Path) -> PublicKey:
        return Token.public

    def load(self, pem: bytes) -> PublicKey | None:
        try:
            key = load_pem_public_key(pem)
        except ValueError:
            return None
        return Public(key) if isinstance(key, ec.EllipticCurvePublicKey) else None


class Point:
    """An entry point of an installed package."""

    def __init__(self, name: str, kind: type | None) -> None:
        self.name, self._kind = name, kind

    def load(self) -> type:
        if self._kind is None:
            raise ImportError(self.name)
        return self._kind


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package with another kind of key, and one that cannot be loaded."""
    points = [Point("broken", None), Point("token", TokenScheme)]
    monkeypatch.setattr(algorithms, "entry_points", lambda group: points if group == "huijian.signing" else [])
    algorithms.schemes.cache_clear()
    yield
    algorithms.schemes.cache_clear()


@pytest.mark.usefixtures("token")
class TestAnotherKindOfKey:
    def test_signs_and_is_checked_and_its_forgeries_are_found(self, tmp_path: Path) -> None:
        root, keys = tmp_path / "archive", tmp_path / "keys"
        for session in ("session_one", "session_two"):
            finalise(make_work(root, session), root, REASON, WALL, installed(keys, root, "Token"))
        assert not keys.exists() and list(beside(root).by_id) == [Token.public.id]
        for believed in (None, trusted(keys, "Token"), Keys([public_key(next((root / ".keys").iterdir()))])):
            assert verify(None, root, believed).ok
        path = next(root.rglob("session_two/manifest.json"))
        written = atomic_files.read_json(path) or {}
        path.chmod(0o600)
        path.parent.chmod(0o700)
        atomic_files.write_json(path, {**written, "reason": {"code": "other"}})
        assert "signature" in {one.kind for one in verify(None, root).damages}

    def test_continues_an_archive_that_the_built_in_kind_began(self, tmp_path: Path) -> None:
        root, keys = tmp_path / "archive", tmp_path / "keys"
        archived(make_work(root, "session_one"), root)
        finalise(make_work(root, "session_two"), root, REASON, WALL, installed(keys, root, "Token"))
        assert verify(None, root).ok
        (keys / "trusted").mkdir()
        ours = next(path for path in (root / ".keys").iterdir() if path.stem != Token.public.id)
        assert "signature" in {one.kind for one in verify(None, root, trusted(keys, "Token")).damages}
        (keys / "trusted" / ours.name).write_bytes(ours.read_bytes())
        assert verify(None, root, trusted(keys, "Token")).ok

    def test_cannot_pass_for_the_built_in_kind(self, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        finalise(make_work(root), root, REASON, WALL, installed(tmp_path / "keys", root, "Token"))
        path = next(root.rglob("manifest.json"))
        written = atomic_files.read_json(path) or {}
        changed = {**written, "signature": {**written["signature"], "algorithm": "Ed25519"}}
        assert trusted(tmp_path, "Token").vouch(changed) == "signed by Ed25519 with a key of Token"


class TestAKindThatIsNotInstalled:
    def test_signs_nothing_and_is_named_where_it_signed(self, tmp_path: Path, token: None) -> None:
        root = tmp_path / "archive"
        finalise(make_work(root), root, REASON, WALL, installed(tmp_path / "keys", root, "Token"))
        algorithms.schemes.cache_clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(algorithms, "entry_points", lambda group: [])
            with pytest.raises(KeyProblem, match="installed: Ed25519"):
                installed(tmp_path / "keys", root, "Token")
            found = verify(None, root).damages
        assert {"key", "signature"} <= {one.kind for one in found}
        assert any("Token" in one.detail for one in found)

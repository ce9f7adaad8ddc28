"""The key pair of a terminal in its TPM 2.0: made there, usable there only. The identity file keeps it wrapped by the
chip's own storage key (the template of TCG's EK Credential Profile, H-2), so that the file is worth nothing on another
machine and takes no room in the chip. The only file that touches tpm2-pytss, which is optional: `pip install
huijian[tpm]`."""

import base64
import binascii
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from kiosk_agent.identity.keys import KeyUnusable

DEVICE = Path("/dev/tpmrm0")
"""The kernel's resource manager: several programs may use the chip at once."""
TCTI = "HUIJIAN_TPM"
"""Environment variable that names another way to a TPM, as tpm2-tss spells it: `swtpm:host=127.0.0.1,port=2321`."""
_STORAGE = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt"
_SIGNING = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|noda"


def present() -> bool:
    """Whether this machine has a TPM, and the library to use it."""
    found = importlib.util.find_spec("tpm2_pytss") is not None
    return found and (bool(os.environ.get(TCTI)) or os.access(DEVICE, os.R_OK | os.W_OK))


class TpmKey:
    """A key in the TPM; `wrapped` and `area` are the private half as the chip has encrypted it, and the public one, as
    TPM structures."""

    kind = "tpm"

    def __init__(self, wrapped: bytes, area: bytes) -> None:
        self._wrapped, self._area = wrapped, area

    @classmethod
    def new(cls) -> "TpmKey":
        """Make a new key pair in the chip. Raises KeyUnusable."""
        with _tpm() as (api, tss):
            parent = _storage_key(api, tss)
            template = tss.TPM2B_PUBLIC.parse("ecc256:ecdsa-sha256", objectAttributes=_SIGNING)
            private, public, _, _, _ = api.create(parent, None, template)
            api.flush_context(parent)
            return cls(private.marshal(), public.marshal())

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TpmKey":
        """Return the key that `to_json` has described. Raises KeyUnusable."""
        try:
            return cls(*(base64.b64decode(values[name], validate=True) for name in ("wrapped", "area")))
        except (KeyError, TypeError, binascii.Error):
            raise KeyUnusable("the identity file holds no key of a TPM: enrol the terminal anew") from None

    @property
    def public(self) -> bytes:
        """The public half: SubjectPublicKeyInfo in DER. Raises KeyUnusable where the library is not there."""
        tss = _library()
        try:
            area, _ = tss.TPM2B_PUBLIC.unmarshal(self._area)
            point = area.publicArea.unique.ecc
            key = ec.EllipticCurvePublicNumbers(
                int.from_bytes(bytes(point.x)), int.from_bytes(bytes(point.y)), ec.SECP256R1()
            ).public_key()
        except (tss.TSS2_Exception, ValueError) as error:
            raise KeyUnusable("the identity file holds no key of a TPM: enrol the terminal anew") from error
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, text: bytes) -> bytes:
        """Return the signature of a text: ECDSA with SHA-256, in DER. Raises KeyUnusable: another chip, or none."""
        with _tpm() as (api, tss):
            parent = _storage_key(api, tss)
            private, _ = tss.TPM2B_PRIVATE.unmarshal(self._wrapped)
            public, _ = tss.TPM2B_PUBLIC.unmarshal(self._area)
            key = api.load(parent, private, public)
            api.flush_context(parent)
            try:
                scheme = tss.TPMT_SIG_SCHEME(scheme=tss.TPM2_ALG.ECDSA)
                scheme.details.any.hashAlg = tss.TPM2_ALG.SHA256
                # The digest is the program's own: no ticket is needed for a key that is not restricted.
                ticket = tss.TPMT_TK_HASHCHECK(tag=tss.TPM2_ST.HASHCHECK, hierarchy=tss.TPM2_RH.NULL)
                signed = api.sign(key, hashlib.sha256(text).digest(), scheme, ticket)
            finally:
                api.flush_context(key)
            pair = signed.signature.ecdsa  # a view: `signed` has to live as long
            r, s = int.from_bytes(bytes(pair.signatureR)), int.from_bytes(bytes(pair.signatureS))
        return utils.encode_dss_signature(r, s)

    def to_json(self) -> dict[str, Any]:
        """Return the wrapped key: it opens in this chip only."""
        wrapped, area = (base64.b64encode(part).decode("ascii") for part in (self._wrapped, self._area))
        return {"kind": self.kind, "wrapped": wrapped, "area": area}


def _library() -> Any:
    try:
        import tpm2_pytss
    except ImportError as error:
        raise KeyUnusable("the key is in a TPM: pip install 'huijian[tpm]'") from error
    return tpm2_pytss


@contextmanager
def _tpm() -> Iterator[tuple[Any, Any]]:
    """Give the open TPM and the library. Raises KeyUnusable."""
    tss = _library()
    try:
        with tss.ESAPI(os.environ.get(TCTI) or f"device:{DEVICE}") as api:
            yield api, tss
    except tss.TSS2_Exception as error:
        raise KeyUnusable(
            f"the TPM refuses ({error}): is it the chip that the key was made in, and may this user open {DEVICE} "
            "(group tss)?"
        ) from error


def _storage_key(api: Any, tss: Any) -> Any:
    """Return the handle of the chip's storage key, which is the same each time it is made."""
    template = tss.TPM2B_PUBLIC.parse("ecc256:aes128cfb", objectAttributes=_STORAGE)
    handle, _, _, _, _ = api.create_primary(None, template, tss.ESYS_TR.OWNER)
    return handle

"""Which certificates and keys are taken, and what a client can negotiate with them (RFC 9325)."""

import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from signaling.tls.certificate import CertificateProblem, load
from tests.support.signaling.tls import trusting, write_pair


def negotiate(server, client):
    """Make a handshake in memory; return the client's end. Raises ssl.SSLError of either end."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = list(ends)
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                pass
    assert not waiting
    return ends[0]


@pytest.fixture
def files(tmp_path):
    return write_pair(tmp_path)


class TestPairs:
    def test_a_certificate_with_its_key_is_taken(self, files):
        pair = load(*files)
        assert pair.begins < pair.expires

    def test_a_key_that_others_can_read_is_refused(self, files):
        files[1].chmod(0o640)
        with pytest.raises(CertificateProblem, match="chmod 600"):
            load(*files)

    def test_a_link_to_a_key_is_refused(self, files, tmp_path):
        link = tmp_path / "link.key"
        link.symlink_to(files[1])
        with pytest.raises(CertificateProblem, match="link"):
            load(files[0], link)

    def test_another_key_is_refused(self, files, tmp_path):
        (tmp_path / "other").mkdir()
        _, other = write_pair(tmp_path / "other")
        with pytest.raises(CertificateProblem, match="not the key"):
            load(files[0], other)

    def test_a_key_with_a_passphrase_is_refused_and_none_is_asked_for(self, files):
        key = load_pem_private_key(files[1].read_bytes(), None)
        files[1].write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"secret"))
        )
        with pytest.raises(CertificateProblem, match="passphrase"):
            load(*files)

    def test_a_key_of_rsa_that_is_too_short_is_refused(self, files):
        short = rsa.generate_private_key(65537, 1024)
        files[1].write_bytes(short.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with pytest.raises(CertificateProblem):
            load(*files)

    @pytest.mark.parametrize("damage", [b"", b"no PEM at all", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
    def test_a_file_without_a_certificate_is_refused(self, files, damage):
        files[0].write_bytes(damage)
        with pytest.raises(CertificateProblem, match="no certificate"):
            load(*files)

    def test_a_file_that_is_not_there_is_refused(self, files, tmp_path):
        with pytest.raises(CertificateProblem, match="cannot be read"):
            load(tmp_path / "none.crt", files[1])

    def test_nothing_of_the_key_is_in_what_is_said(self, files):
        secret = files[1].read_text().splitlines()[1]
        files[1].write_text(files[1].read_text()[:60])
        with pytest.raises(CertificateProblem) as refusal:
            load(*files)
        assert secret[:12] not in str(refusal.value)


class TestHandshakes:
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_versions_that_are_still_good_are_spoken(self, files, version):
        client = trusting(files[0])
        client.minimum_version = client.maximum_version = version
        end = negotiate(load(*files).context, client)
        assert end.version() == version.name.replace("v1_", "v1.")

    def test_older_versions_are_refused(self, files):
        client = trusting(files[0])
        client.set_ciphers("ALL:@SECLEVEL=0")
        client.minimum_version, client.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError):
            negotiate(load(*files).context, client)

    @pytest.mark.parametrize("ciphers", ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES256-GCM-SHA384"])
    def test_ciphers_without_forward_secrecy_or_authentication_are_refused(self, files, ciphers):
        client = trusting(files[0])
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        client.set_ciphers(ciphers)
        with pytest.raises(ssl.SSLError):
            negotiate(load(*files).context, client)

    def test_the_protocol_is_that_of_http_1(self, files):
        assert negotiate(load(*files).context, trusting(files[0])).selected_alpn_protocol() == "http/1.1"

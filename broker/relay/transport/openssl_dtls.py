"""DTLS 1.2 as the client, through the system's OpenSSL 3 (libssl.so.3), without sockets, tasks or clocks.

FFmpeg's WHIP muxer is a DTLS server (a=setup:passive), and with GnuTLS it has a certificate on curve P-224. The OpenSSL
inside cryptography no longer supports that curve; the system's OpenSSL does. The client is authenticated by the
fingerprint of its offer alone (RFC 8122 5, RFC 8827 5.6.4); certificate chains and names are not read. Where the
library is missing, `library()` is None and `dtls` uses aiortc's handshake instead.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import cffi
import structlog

log = structlog.get_logger()
NAME = "libssl.so.3"
CIPHERS = b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"
GROUPS = b"X25519:P-256:P-384:P-224"  # P-224 for certificates only: servers use the first group that they have
SIGNATURES = b"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512"
SECURITY_LEVEL = 2  # 112 bits, the strength of P-224; set here, so that openssl.cnf does not change it
MTU = 1200  # bytes of a datagram that every network carries
MAX_CERTIFICATES = 16 * 1024  # bytes of a certificate chain; those in use are single certificates of 300
# Microseconds until a flight is sent again. FFmpeg discards the ClientHello that starts its handshake, so the second
# one follows soon. Other flights wait longer: FFmpeg reads a repeated one after the handshake and loses the first
# keyframe over it.
HELLO_WAIT, NEXT_WAIT, LONGEST_WAIT = 50_000, 400_000, 2_000_000
DIGESTS = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}
HEADER = 13  # bytes of a DTLS record before its payload; its last two are the length (RFC 6347 4.1)

# openssl/ssl.h, tls1.h, evp.h: the values of macros, the same in all of OpenSSL 3
DTLS1_2, EVP_PKEY_EC = 0xFEFD, 408
NO_RENEGOTIATION = 1 << 30
OPTIONS = 1 << 12 | 1 << 14 | NO_RENEGOTIATION  # the first two: NO_QUERY_MTU, NO_TICKET
SET_MTU, MAX_CERT_LIST, GET_TIMEOUT, HANDLE_TIMEOUT, SET_GROUPS, SET_SIGALGS = 17, 51, 73, 74, 92, 98
SET_MIN_VERSION, SET_MAX_VERSION = 123, 124
WANT_READ, ZERO_RETURN = 2, 6
DECLARATIONS = """
typedef struct ssl_st SSL; typedef struct ssl_ctx_st SSL_CTX; typedef struct bio_st BIO; typedef struct x509_st X509;
typedef struct { const char *name; unsigned long id; } SRTP_PROTECTION_PROFILE;
struct timeval { long tv_sec; long tv_usec; };
const void *DTLS_client_method(void);
SSL_CTX *SSL_CTX_new(const void *method);
void SSL_CTX_free(SSL_CTX *ctx);
long SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long larg, void *parg);
uint64_t SSL_CTX_set_options(SSL_CTX *ctx, uint64_t options);
void SSL_CTX_set_security_level(SSL_CTX *ctx, int level);
void SSL_CTX_set_verify(SSL_CTX *ctx, int mode, void *callback);
int SSL_CTX_set_cipher_list(SSL_CTX *ctx, const char *ciphers);
int SSL_CTX_set_tlsext_use_srtp(SSL_CTX *ctx, const char *profiles);
int SSL_CTX_use_certificate_ASN1(SSL_CTX *ctx, int len, const unsigned char *der);
int SSL_CTX_use_PrivateKey_ASN1(int type, SSL_CTX *ctx, const unsigned char *der, long len);
int SSL_CTX_check_private_key(const SSL_CTX *ctx);
SSL *SSL_new(SSL_CTX *ctx);
void SSL_free(SSL *ssl);
long SSL_ctrl(SSL *ssl, int cmd, long larg, void *parg);
void SSL_set_bio(SSL *ssl, BIO *read, BIO *write);
void SSL_set_connect_state(SSL *ssl);
void DTLS_set_timer_cb(SSL *ssl, unsigned int (*callback)(SSL *ssl, unsigned int microseconds));
int SSL_do_handshake(SSL *ssl);
int SSL_read(SSL *ssl, void *buffer, int size);
int SSL_shutdown(SSL *ssl);
int SSL_get_error(const SSL *ssl, int result);
X509 *SSL_get1_peer_certificate(const SSL *ssl);
int i2d_X509(X509 *certificate, unsigned char **der);
void X509_free(X509 *certificate);
SRTP_PROTECTION_PROFILE *SSL_get_selected_srtp_profile(SSL *ssl);
int SSL_export_keying_material(SSL *ssl, unsigned char *out, size_t size, const char *label, size_t label_size,
                               const unsigned char *context, size_t context_size, int use_context);
const void *BIO_s_mem(void);
BIO *BIO_new(const void *type);
int BIO_write(BIO *bio, const void *data, int size);
int BIO_read(BIO *bio, void *data, int size);
size_t BIO_ctrl_pending(BIO *bio);
unsigned long ERR_get_error(void);
void ERR_error_string_n(unsigned long error, char *buffer, size_t size);
void ERR_clear_error(void);
"""


class HandshakeFailed(ConnectionError):
    """The association has failed and cannot go on; the text is OpenSSL's reason, one of those that
    are written in its code."""

    for_operators = True


class Library:
    """The loaded libssl, in which every function that is used here was found. Raises OSError or AttributeError."""

    def __init__(self, name: str = NAME) -> None:
        self.ffi: Any = cffi.FFI()
        self.ffi.cdef(DECLARATIONS)
        self.lib: Any = self.ffi.dlopen(name)  # libcrypto, with which libssl is linked, is searched, too
        for function in dir(self.lib):
            getattr(self.lib, function)
        self.hello_wait, self.next_wait = (
            self.ffi.callback("unsigned int(SSL *, unsigned int)", partial(_wait, first), error=LONGEST_WAIT)
            for first in (HELLO_WAIT, NEXT_WAIT)
        )

    def reason(self) -> str:
        """Return the text of the oldest error of this thread, and empty its queue, which Python's ssl shares."""
        text = self.ffi.new("char[]", 256)
        self.lib.ERR_error_string_n(self.lib.ERR_get_error(), text, len(text))
        self.lib.ERR_clear_error()
        return str(self.ffi.string(text).decode(errors="replace"))


@cache
def library() -> Library | None:
    """Return the system's libssl, or None, logged once, where it is absent or lacks a function."""
    try:
        return Library()
    except (OSError, AttributeError, MemoryError) as error:
        log.warning("system libssl not usable, setup:passive clients on curve P-224 will fail", error=error)
        return None


def _wait(first: int, _ssl: Any, before: int) -> int:
    return min(max(before * 2, NEXT_WAIT), LONGEST_WAIT) if before else first


class Context:
    """The certificate and the settings that all associations of a worker share.

    Raises HandshakeFailed when libssl refuses a setting."""

    def __init__(self, library: Library, certificate: bytes, key: bytes, profiles: bytes) -> None:
        self.library, ffi, lib = library, library.ffi, library.lib
        lib.ERR_clear_error()
        self.raw = ffi.gc(lib.SSL_CTX_new(lib.DTLS_client_method()), lib.SSL_CTX_free)
        if not self.raw:
            raise HandshakeFailed(library.reason())
        lib.SSL_CTX_set_options(self.raw, OPTIONS)
        lib.SSL_CTX_set_security_level(self.raw, SECURITY_LEVEL)
        lib.SSL_CTX_set_verify(self.raw, 0, ffi.NULL)  # no chain to verify: `proves` compares the fingerprint
        lib.SSL_CTX_ctrl(self.raw, MAX_CERT_LIST, MAX_CERTIFICATES, ffi.NULL)
        done = (
            lib.SSL_CTX_ctrl(self.raw, SET_MIN_VERSION, DTLS1_2, ffi.NULL) == 1
            and lib.SSL_CTX_ctrl(self.raw, SET_MAX_VERSION, DTLS1_2, ffi.NULL) == 1
            and lib.SSL_CTX_ctrl(self.raw, SET_GROUPS, 0, ffi.from_buffer("char[]", GROUPS + b"\0")) == 1
            and lib.SSL_CTX_ctrl(self.raw, SET_SIGALGS, 0, ffi.from_buffer("char[]", SIGNATURES + b"\0")) == 1
            and lib.SSL_CTX_set_cipher_list(self.raw, CIPHERS) == 1
            and lib.SSL_CTX_set_tlsext_use_srtp(self.raw, profiles) == 0  # this function alone returns 0 for success
            and lib.SSL_CTX_use_certificate_ASN1(self.raw, len(certificate), certificate) == 1
            and lib.SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_EC, self.raw, key, len(key)) == 1
            and lib.SSL_CTX_check_private_key(self.raw) == 1
        )
        if not done:
            raise HandshakeFailed(library.reason())


class Association:
    """A DTLS association as its client. The caller feeds it with received datagrams, sends what `outgoing` yields, and
    calls `expire` after `timeout` seconds.

    `begin`, `feed` and `expire` raise HandshakeFailed when the association has failed; then only `outgoing` (the alert
    with the reason) and `free` may be called. After `free`, `close` and `outgoing` do nothing.
    """

    def __init__(self, context: Context) -> None:
        self._library, self._ffi, self._lib = context.library, context.library.ffi, context.library.lib
        self._lib.ERR_clear_error()
        self._ssl = self._ffi.gc(self._lib.SSL_new(context.raw), self._lib.SSL_free)
        self._in, self._out = (self._lib.BIO_new(self._lib.BIO_s_mem()) for _ in range(2))
        if not (self._ssl and self._in and self._out):
            raise HandshakeFailed(self._library.reason())
        self._lib.SSL_set_bio(self._ssl, self._in, self._out)  # from here on SSL_free frees all three
        self._lib.SSL_ctrl(self._ssl, SET_MTU, MTU, self._ffi.NULL)
        self._lib.DTLS_set_timer_cb(self._ssl, self._library.hello_wait)
        self._lib.SSL_set_connect_state(self._ssl)
        self._buffer = self._ffi.new("unsigned char[]", 2048)
        self.established = self.closed = False

    def begin(self) -> None:
        """Start the handshake with a ClientHello."""
        self._go_on()

    def feed(self, datagram: bytes) -> None:
        """Take in a received datagram. Invalid records are dropped, as RFC 6347 4.1.2.7 says."""
        self._lib.DTLS_set_timer_cb(self._ssl, self._library.next_wait)
        self._lib.BIO_write(self._in, datagram, len(datagram))
        self._go_on()

    def _go_on(self) -> None:
        if not self.established:
            self._lib.ERR_clear_error()
            self.established = self._judge(self._lib.SSL_do_handshake(self._ssl))
        while self.established and not self.closed:
            self._lib.ERR_clear_error()
            if not self._judge(self._lib.SSL_read(self._ssl, self._buffer, len(self._buffer))):
                break  # all records are read; application data are ignored

    def _judge(self, result: int) -> bool:
        """Whether a call of libssl succeeded; False when it waits for more datagrams. Raises HandshakeFailed."""
        if result > 0:
            return True
        error = self._lib.SSL_get_error(self._ssl, result)
        self.closed = error == ZERO_RETURN
        if error != WANT_READ and not (self.closed and self.established):  # close_notify fails a handshake
            self.established = False
            raise HandshakeFailed(self._library.reason())
        return False

    def timeout(self) -> float | None:
        """Return the seconds until `expire` must be called, or None while no flight waits for an answer."""
        left = self._ffi.new("struct timeval *")
        if self._lib.SSL_ctrl(self._ssl, GET_TIMEOUT, 0, left) != 1:
            return None
        return float(left.tv_sec + left.tv_usec / 1e6)

    def expire(self) -> None:
        """Repeat the last flight, if its timer has expired."""
        self._lib.ERR_clear_error()
        if self._lib.SSL_ctrl(self._ssl, HANDLE_TIMEOUT, 0, self._ffi.NULL) < 0:
            raise HandshakeFailed(self._library.reason())

    def outgoing(self) -> Iterator[bytes]:
        """Yield the datagrams that are to be sent now."""
        if self._ssl is None:
            return iter(())
        size = self._lib.BIO_ctrl_pending(self._out)
        data = self._ffi.new("unsigned char[]", size + 1)
        read = self._lib.BIO_read(self._out, data, size)
        return datagrams(bytes(self._ffi.buffer(data, max(read, 0))))

    def proves(self, algorithm: str, fingerprint: str) -> bool:
        """Whether the server's certificate has this fingerprint, as in `a=fingerprint:sha-256 AB:CD` (RFC 8122 5).

        OpenSSL has checked that the server holds its private key. False before the handshake is done and for unknown
        algorithms."""
        certificate = self._ffi.gc(self._lib.SSL_get1_peer_certificate(self._ssl), self._lib.X509_free)
        size = self._lib.i2d_X509(certificate, self._ffi.NULL) if certificate else 0
        if size <= 0 or algorithm not in DIGESTS or not self.established:
            return False
        der = self._ffi.new("unsigned char[]", size)
        self._lib.i2d_X509(certificate, self._ffi.new("unsigned char **", der))
        digest = DIGESTS[algorithm](self._ffi.buffer(der)).hexdigest()
        expected = ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
        return hmac.compare_digest(expected.encode(), fingerprint.lower().encode())

    def profile(self) -> bytes:
        """Return OpenSSL's name of the negotiated SRTP profile (RFC 5764 4.1), empty when there is none."""
        selected = self._lib.SSL_get_selected_srtp_profile(self._ssl)
        return bytes(self._ffi.string(selected.name)) if selected else b""

    def export(self, label: bytes, size: int) -> bytes:
        """Return exported keying material, the same on both ends (RFC 5705). Raises HandshakeFailed."""
        out = self._ffi.new("unsigned char[]", size)
        self._lib.ERR_clear_error()
        if self._lib.SSL_export_keying_material(self._ssl, out, size, label, len(label), self._ffi.NULL, 0, 0) != 1:
            raise HandshakeFailed(self._library.reason())
        return bytes(self._ffi.buffer(out))

    def close(self) -> None:
        """Queue close_notify for `outgoing`, if the handshake was done."""
        if self.established and self._ssl is not None:
            self._lib.SSL_shutdown(self._ssl)
            self._lib.ERR_clear_error()

    def free(self) -> None:
        """Free the memory that OpenSSL holds, at once. A second call does nothing."""
        if self._ssl is not None:
            self._ffi.release(self._ssl)
            self._ssl = self._in = self._out = None


def datagrams(records: bytes) -> Iterator[bytes]:
    """Yield the records of a flight in datagrams of at most MTU bytes. A memory BIO has joined OpenSSL's own."""
    begin = at = 0
    while at + HEADER <= len(records):
        end = at + HEADER + struct.unpack_from("!H", records, at + HEADER - 2)[0]
        if end - begin > MTU and at > begin:
            yield records[begin:at]
            begin = at
        at = end
    if at > begin:
        yield records[begin:at]

"""Watches the files of certificate and key while the service runs: a renewed pair is taken without a restart, and one
that cannot be used changes nothing but what operators are told."""

from datetime import timedelta
from pathlib import Path

import structlog

from broker.kernel.clock import Clock
from signaling.tls.certificate import CertificateProblem, Pair, load

log = structlog.get_logger("signaling")
LOOK_SECONDS = 5.0
WARN_BEFORE = timedelta(days=30)
WARN_AGAIN = timedelta(days=1)
Marks = tuple[tuple[int, int, int, int], ...]


class CertificateWatch:
    """The pair that is used, and the files that it came from. Raises CertificateProblem where they hold none at the
    start; one that has expired is used nonetheless, because a restart must not be what ends a running service."""

    def __init__(self, certificate: Path, key: Path, clock: Clock) -> None:
        self._files, self._clock = (certificate, key), clock
        self._taken = self._seen = self._marks()
        self.pair: Pair = load(certificate, key)
        self.problem = ""
        self._warn_at = clock.now().wall
        self._warn()

    def look(self) -> None:
        """Take a new pair where both files have stayed the same since the last look: they are written one after the
        other."""
        marks, before = self._marks(), self._seen
        self._seen = marks
        if marks != self._taken and marks == before:
            self._taken = marks
            self._take()
        self._warn()

    def counts(self) -> dict[str, float]:
        """Return what metrics and health say of the pair: when it expires, and whether a newer one was refused."""
        return {"tls_expires": self.pair.expires.timestamp(), "tls_refused_pair": float(bool(self.problem))}

    def _take(self) -> None:
        try:
            new = load(*self._files)
            now = self._clock.now().wall
            if not new.is_valid(now) and self.pair.is_valid(now):
                raise CertificateProblem("the new certificate is not valid now. 新证书不在有效期内。")
        except CertificateProblem as error:
            self.problem = str(error)
            log.error("new certificate not used, the one before stays", why=self.problem)
            return
        self.pair, self.problem, self._warn_at = new, "", now
        log.info("certificate taken", expires=new.expires.isoformat())

    def _warn(self) -> None:
        """Write one line a day from the thirtieth day before the end on."""
        now = self._clock.now().wall
        if now >= self._warn_at and now >= self.pair.expires - WARN_BEFORE:
            self._warn_at = now + WARN_AGAIN
            log.warning("the certificate expires", days=(self.pair.expires - now).days)

    def _marks(self) -> Marks:
        return tuple(map(_mark, self._files))


def _mark(path: Path) -> tuple[int, int, int, int]:
    """Return what changes when a file is written or replaced; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0, 0
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size

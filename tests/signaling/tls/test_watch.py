"""A renewed certificate is taken while the service runs; one that cannot be used changes nothing but what is told."""

from datetime import timedelta

import pytest

from broker.kernel.clock import SystemClock
from signaling.tls.certificate import CertificateProblem
from signaling.tls.watch import CertificateWatch
from tests.support.signaling.tls import write_pair


@pytest.fixture
def watch(tmp_path):
    return CertificateWatch(*write_pair(tmp_path), SystemClock())


def look_twice(watch):
    watch.look()
    watch.look()


class TestRenewal:
    def test_a_new_pair_is_taken(self, watch, tmp_path):
        before = watch.pair
        write_pair(tmp_path, expires_in=timedelta(days=60))
        look_twice(watch)
        assert watch.pair.expires > before.expires and not watch.problem

    def test_files_that_stay_are_not_read_again(self, watch):
        before = watch.pair
        look_twice(watch)
        assert watch.pair is before

    def test_half_of_a_pair_is_waited_for(self, watch, tmp_path):
        before, old = watch.pair, (tmp_path / "server.key").read_bytes()
        write_pair(tmp_path, expires_in=timedelta(days=60))
        new = (tmp_path / "server.key").read_bytes()
        (tmp_path / "server.key").write_bytes(old)
        watch.look()
        (tmp_path / "server.key").write_bytes(new + b"\n")
        watch.look()
        assert watch.pair is before and not watch.problem
        watch.look()
        assert watch.pair is not before and not watch.problem

    @pytest.mark.parametrize("damage", ["key of another", "gone", "open to others", "expired"])
    def test_one_that_cannot_be_used_keeps_the_one_before_and_is_told(self, watch, tmp_path, damage):
        before, certificate, key = watch.pair, tmp_path / "server.crt", tmp_path / "server.key"
        if damage == "key of another":
            (tmp_path / "other").mkdir()
            key.write_bytes(write_pair(tmp_path / "other")[1].read_bytes())
        elif damage == "gone":
            certificate.unlink()
        elif damage == "open to others":
            write_pair(tmp_path)
            key.chmod(0o644)
        else:
            write_pair(tmp_path, expires_in=timedelta(minutes=-10))
        look_twice(watch)
        assert watch.pair is before and watch.problem
        assert watch.counts()["tls_refused_pair"] == 1

    def test_the_next_good_one_ends_the_alarm(self, watch, tmp_path):
        (tmp_path / "server.crt").write_bytes(b"")
        look_twice(watch)
        assert watch.problem
        write_pair(tmp_path)
        look_twice(watch)
        assert not watch.problem and watch.counts()["tls_refused_pair"] == 0


class TestExpiry:
    def test_is_told_from_thirty_days_before_once_a_day(self, tmp_path, capsys):
        watch = CertificateWatch(*write_pair(tmp_path, expires_in=timedelta(days=20)), SystemClock())
        watch.look()
        assert capsys.readouterr().out.count("the certificate expires") == 1
        assert watch.counts()["tls_expires"] == watch.pair.expires.timestamp()

    def test_is_not_told_earlier(self, tmp_path, capsys):
        CertificateWatch(*write_pair(tmp_path, expires_in=timedelta(days=31)), SystemClock()).look()
        assert "expires" not in capsys.readouterr().out

    def test_an_expired_one_is_used_at_a_start_and_told(self, tmp_path, capsys):
        watch = CertificateWatch(*write_pair(tmp_path, expires_in=timedelta(minutes=-10)), SystemClock())
        assert not watch.pair.is_valid(SystemClock().now().wall)
        assert "the certificate expires" in capsys.readouterr().out

    def test_a_start_without_a_usable_pair_is_refused(self, tmp_path):
        with pytest.raises(CertificateProblem):
            CertificateWatch(tmp_path / "none.crt", tmp_path / "none.key", SystemClock())

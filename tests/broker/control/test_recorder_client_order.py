"""The order to record names the pack that the session has frozen."""

from broker.control.recorder_client import start_order
from tests.support.session_story import YUNNAN, at, live


def test_the_order_carries_name_version_and_hash_of_the_pack() -> None:
    session = live().session
    order = start_order(session, YUNNAN, None, at(0))
    assert (order.policy.name, order.policy.version, order.policy.sha256) == ("yunnan", YUNNAN.version, YUNNAN.sha256)
    assert session.pack == YUNNAN.sha256 and len(YUNNAN.sha256) == 64

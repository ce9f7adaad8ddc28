"""A session as it exists for a caller: what belongs to other sites is refused in the same words as what does not exist,
so that no answer tells the two apart."""

from broker.control.broker import Broker
from broker.control.session_runner import SessionRunner
from broker.kernel.errors import NotFound
from broker.kernel.ids import SessionId
from signaling.auth.scope import Caller, check_sees


def seen_session(broker: Broker, session: SessionId, caller: Caller) -> SessionRunner:
    """Return a session that exists for this caller. Raises NotFound."""
    try:
        live = broker.live(session)
    except NotFound:
        raise NotFound() from None
    check_sees(caller, live.session.slot)
    return live

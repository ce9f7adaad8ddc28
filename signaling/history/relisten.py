"""The re-listen duty (复听, Yunnan 26(6)): which recordings have to be heard again, and until when. Pure. The choice
follows from the session's id alone, so that neither officers nor auditors can choose."""

import hashlib
from datetime import datetime, timedelta

from broker.kernel.clock import in_shanghai


def is_chosen(session: str, share: float) -> bool:
    """Whether a recording belongs to the `share` (0 to 1) that is heard again. What was chosen stays chosen when the
    share grows."""
    digest = hashlib.sha256(f"relisten {session}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def relisten_due(session: str, ended: datetime, share: float, days: int) -> datetime | None:
    """Return the end of the day (Asia/Shanghai) until which a recording has to be heard again, None where it need
    not."""
    if not is_chosen(session, share):
        return None
    last = in_shanghai(ended) + timedelta(days=days)
    return (last + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)

"""Days as the sites live them: Asia/Shanghai, from midnight to midnight."""

from datetime import UTC, date, datetime, time, timedelta

from broker.kernel.clock import SHANGHAI, Instant, in_shanghai
from broker.kernel.errors import BadRequest


def bounds(day: date | None, now: Instant) -> tuple[datetime, datetime]:
    """First and first-after moment of a day (today when None), aware UTC. Raises BadRequest for other centuries."""
    day = day or in_shanghai(now.wall).date()
    if not 2000 <= day.year < 2100:
        raise BadRequest("The year must be between 2000 and 2099.", "年份应在 2000 至 2099 之间。")
    start = datetime.combine(day, time.min, tzinfo=SHANGHAI)
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=SHANGHAI)
    return start.astimezone(UTC), end.astimezone(UTC)

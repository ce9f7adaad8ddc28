"""The machine's clock over REST: who may see whether it was moved, and who agrees on the new time."""

from datetime import timedelta

from broker.kernel.clock import Instant


async def test_officers_see_that_the_clock_was_moved(front):
    front.clock.instant = Instant(front.clock.now().wall + timedelta(minutes=20), front.clock.now().mono)
    front.broker.clock_watch.look()
    answer = await front.ask("GET", "/api/v1/clock", "prison-sup")
    assert answer.status == 200 and answer.data["moved_seconds"] == 1200.0 and answer.data["steps"] == 1
    assert answer.data["agreed"] == "2026-03-02T01:00:00Z" and answer.data["machine"] == "2026-03-02T01:20:00Z"


async def test_an_admin_of_the_province_agrees_on_it(front):
    await front.refused("conflict", "POST", "/api/v1/clock/agree", "admin")
    front.clock.instant = Instant(front.clock.now().wall - timedelta(minutes=20), front.clock.now().mono)
    for caller in ("prison-sup", "p1"):
        await front.refused("forbidden", "POST", "/api/v1/clock/agree", caller)
    await front.refused("not_signed_in", "POST", "/api/v1/clock/agree")
    answer = await front.ask("POST", "/api/v1/clock/agree", "admin")
    assert answer.status == 200 and answer.data["moved_seconds"] is None
    noted = await front.noted("ClockAgreed")
    assert noted[-1].author == "user:admin"


async def test_rooms_and_strangers_see_nothing_of_it(front):
    await front.refused("forbidden", "GET", "/api/v1/clock", "p1")
    await front.refused("not_signed_in", "GET", "/api/v1/clock")

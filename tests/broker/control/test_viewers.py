"""Subscriptions as viewers, and viewers in numbers without names."""

from msgspec.structs import replace

from broker.control.viewers import observers_of, of_room, of_supervisors, viewer_of
from broker.ipc.relay_messages import Subscription
from broker.kernel.ids import ResourceId, Side
from broker.presence.quorum import observer_name

SUPERVISOR = Subscription(
    resource=ResourceId("r"),
    side=Side.PRISON,
    subscriber="li@first-prison",
    gated=False,
    on=True,
    consent=True,
    reports=True,
)
ROOM = replace(SUPERVISOR, subscriber="trm_1", gated=True)


def test_viewers_are_summed_up_by_side_and_kind():
    silent = replace(SUPERVISOR, on=False, reports=False, jitter=0.01)
    viewers = {
        ResourceId("a"): viewer_of(replace(SUPERVISOR, loss=0.1, round_trip=0.2)),
        ResourceId("b"): viewer_of(silent),
        ResourceId("c"): viewer_of(ROOM),
        ResourceId("d"): viewer_of(replace(SUPERVISOR, side=Side.VISITOR)),
    }
    found = of_supervisors(viewers, Side.PRISON)
    assert (found.connected, found.receiving, found.loss, found.jitter, found.round_trip) == (2, 1, 0.1, 0.01, 0.2)
    assert of_room(viewers, Side.PRISON).connected == 1
    assert of_room(viewers, Side.VISITOR) == of_supervisors({}, Side.PRISON)


def test_a_supervisor_is_known_by_the_name_of_its_subscription_and_a_room_is_not():
    officer = viewer_of(SUPERVISOR).watcher
    assert officer is not None and officer.site == "first-prison"
    assert viewer_of(ROOM).watcher is None


def test_a_person_who_looks_on_is_neither_a_supervisor_nor_a_room():
    looks_on = viewer_of(replace(SUPERVISOR, subscriber=observer_name("wang")))
    viewers = {ResourceId("a"): looks_on, ResourceId("b"): looks_on, ResourceId("c"): viewer_of(ROOM)}
    assert observers_of(viewers) == ("wang",)
    assert of_supervisors(viewers, Side.PRISON).connected == 0
    assert of_room(viewers, Side.PRISON).connected == 1

"""Keys of booking and monitoring systems over HTTP, which the province's administrators issue and revoke. The secret is
shown once and stored nowhere."""

from broker.control.store.records import ApiKey
from broker.kernel.errors import Busy, NotFound
from signaling.api.accounts.changes import show_password
from signaling.api.administration.access import READERS, REFUSED, WRITERS, check_province, note
from signaling.api.administration.messages import Because, IssuedKey, KeyForm, KeyKindName, KeyList, KeyView
from signaling.server.routes import Call, Table

table = Table("keys")
KEYS = "/api/v1/keys"


@table.add("GET", KEYS, roles=READERS, zh="接口密钥一览", en="All keys of other systems")
async def get_keys(call: Call) -> KeyList:
    """All keys that were ever issued, for officers of the province."""
    check_province(call)
    return KeyList(keys=[_view(key) for key in await call.context.store.api_keys()])


@table.add(
    "POST", KEYS, roles=WRITERS, zh="签发接口密钥", en="Issue a key", status=201, problems=(Busy,), refused=REFUSED
)
async def issue_key(call: Call, body: KeyForm) -> IssuedKey:
    """A key for a system that books visits, or for one that monitors the service, with the own password."""
    check_province(call)
    await show_password(call, body.password)
    store = call.context.store
    secret = await store.add_api_key(body.name, "obs" if body.kind == "monitoring" else "key")
    made = await store.api_key_by_token(secret)
    assert made is not None  # it was added a moment ago
    await note(call, "KeyAdded", key=made.id)
    return IssuedKey(id=made.id, name=made.name, kind=body.kind, created_at=made.created_at, key=secret)


@table.add("POST", f"{KEYS}/{{key}}/revoke", roles=WRITERS, zh="吊销接口密钥", en="Revoke a key", refused=REFUSED)
async def revoke_key(call: Call, body: Because) -> KeyView:
    """Revoke a key for good; it takes effect at once."""
    check_province(call)
    id, store = call.id("key"), call.context.store
    await store.revoke_api_key(id)
    await note(call, "KeyRevoked", key=id, reason=body.reason)
    for key in await store.api_keys():
        if key.id == id:
            return _view(key)
    raise NotFound()


def _view(key: ApiKey) -> KeyView:
    kind: KeyKindName = "monitoring" if key.id.startswith("obs_") else "booking"
    return KeyView(id=key.id, name=key.name, kind=kind, created_at=key.created_at, revoked_at=key.revoked_at)

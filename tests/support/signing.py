"""A terminal of tests that speaks the protocol of identities itself, step by step, so that a test can hold back a step,
do it twice, or do it wrongly."""

import base64
import secrets

from kiosk_agent.identity.keys import FileKey
from signaling.api.messages.identity import enrolment_text, migration_text, session_text

TERMINALS = "/api/v1/terminals"


def encoded(data):
    return base64.b64encode(data).decode("ascii")


class Signer:
    """A terminal with a key. `ask` posts a body to one of the addresses of terminals and returns the answer."""

    def __init__(self, front, terminal="", key=None, instance=""):
        self.front, self.terminal, self.key = front, terminal, key or FileKey.new()
        self.instance = instance or secrets.token_hex(16)

    @property
    def origin(self):
        return str(self.front.client.make_url("/")).rstrip("/")

    async def ask(self, what, body):
        return await self.front.ask("POST", f"{TERMINALS}/{what}", json=body)

    def enrolment(self, code, **changes):
        """Return the body of an enrolment, signed unless `changes` has another signature."""
        key = changes.get("key", encoded(self.key.public))
        origin = changes.get("origin", self.origin)
        signature = encoded(self.key.sign(enrolment_text(origin, code, key)))
        return {"code": code, "key": key, "key_kind": "file", "origin": origin, "signature": signature, **changes}

    def migration(self, token, **changes):
        """Return the body of a migration."""
        key, origin = encoded(self.key.public), changes.get("origin", self.origin)
        signature = encoded(self.key.sign(migration_text(origin, token, key)))
        return {"token": token, "key": key, "key_kind": "file", "origin": origin, "signature": signature, **changes}

    async def nonce(self):
        """Ask for a challenge; return its nonce."""
        answer = await self.ask("challenges", {"terminal": self.terminal})
        assert answer.status == 200, answer.data
        return answer.data["nonce"]

    def signed(self, nonce, **changes):
        """Return the body of a sign-in with this nonce."""
        origin = changes.get("origin", self.origin)
        signature = encoded(self.key.sign(session_text(origin, self.terminal, self.instance, nonce)))
        body = {"terminal": self.terminal, "instance": self.instance, "nonce": nonce, "origin": origin}
        return {**body, "signature": signature, **changes}

    async def sign_in(self, **changes):
        """Ask for a challenge and sign in with it; return the answer."""
        return await self.ask("sessions", self.signed(await self.nonce(), **changes))

    async def token(self):
        """Sign in; return the credential."""
        answer = await self.sign_in()
        assert answer.status == 200, answer.data
        return answer.data["token"]

    def copy(self):
        """Return another running program with the same key."""
        return Signer(self.front, self.terminal, self.key)

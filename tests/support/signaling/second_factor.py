"""Second factors for tests of signaling: an account's authenticator app, and both steps of a sign-in."""

from dataclasses import dataclass, field
from datetime import timedelta

from signaling.auth.factors import totp
from tests.support.signaling.front import PASSWORD

IN, BY_FACTOR = "/api/v1/sign-in", "/api/v1/sign-in/factor"
FACTORS = "/api/v1/me/factors"


@dataclass
class App:
    """An authenticator app that an officer has added, with the recovery codes that came with it."""

    front: object
    user: str
    secret: str
    factor: str
    codes: list = field(default_factory=list)

    def code(self):
        """Return the code that the app shows now."""
        return totp.code_at(self.secret, self.front.clock.now().wall)

    def next_code(self):
        """Let thirty seconds pass, and return the code that the app shows then: the one before may be used."""
        self.front.clock.forward(timedelta(seconds=totp.STEP))
        return self.code()

    async def proof(self):
        """Return the next code as a request sends it."""
        return {"code": self.next_code()}


async def add_app(front, caller, user, headers=None, **body):
    """Add an authenticator app for the caller, and return it."""
    begun = (await front.ask("POST", f"{FACTORS}/totp/begin", caller, json=body, headers=headers or {})).data
    code = totp.code_at(begun["secret"], front.clock.now().wall)
    confirm = {"state": begun["state"], "code": code, "name": "手机"}
    added = (await front.ask("POST", f"{FACTORS}/totp", caller, json=confirm)).data
    return App(front, user, begun["secret"], added["factor"]["id"], added["recovery_codes"] or [])


async def ticket_of(front, user, password=PASSWORD, **kw):
    """Show the password, and return the ticket for the second step."""
    asked = await front.refused("second_factor_needed", "POST", IN, json={"user": user, "password": password}, **kw)
    return asked.data["ticket"]


async def enrolled(front, user="auditor"):
    """Sign in an officer without a second factor, add an app, and return it with the token, then a full one."""
    token = (await front.ask("POST", IN, json={"user": user, "password": PASSWORD})).data["token"]
    front.client.session.cookie_jar.clear()
    return await add_app(front, token, user), token

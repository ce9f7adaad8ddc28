"""REST models about the caller and the service: sign-in, the caller's identity, health, and the common queries."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from signaling.api.messages.fields import Day, Inbound, Moment, Name, Outbound, Page, Token, exactly_one


class SignIn(Inbound):
    """A user's name and password."""

    user: Name
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


Ticket = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=16, max_length=2048)]
"""A sealed state that the client sends back."""


Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=1, max_length=16384)]
"""Bytes in Base64url without padding, as WebAuthn writes them in JSON."""


class KeyAnswer(Inbound):
    """The answer of a security key to a challenge (WebAuthn): `state` came with the challenge."""

    state: Ticket = Field(repr=False)
    id: Base64
    client_data: Base64
    authenticator_data: Base64
    signature: Base64


class KeyChallenge(Outbound):
    """What a page passes to `navigator.credentials`, with its bytes in Base64url, and the state that it sends back."""

    options: dict[str, Any]
    state: str = Field(repr=False)


class TicketOnly(Inbound):
    """The ticket of a sign-in whose second step is a security key."""

    ticket: Ticket = Field(repr=False)


class Proof(Inbound):
    """A second factor, exactly one of: the six digits of an authenticator app, a recovery code, or the answer of a
    security key."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = Field(default=None, repr=False)
    recovery: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = Field(default=None, repr=False)
    webauthn: KeyAnswer | None = None
    model_config = ConfigDict(json_schema_extra=exactly_one(("code",), ("recovery",), ("webauthn",)))

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(each is not None for each in (self.code, self.recovery, self.webauthn)) != 1:
            raise ValueError("exactly one of them")
        return self


class FactorSignIn(Inbound):
    """The second step of a sign-in: the ticket of the refusal `second_factor_needed`, and the factor."""

    ticket: Ticket = Field(repr=False)
    proof: Proof


class UserView(Outbound):
    """A signed-in user as the sign-in page needs it. `site` is null for officers of the province."""

    id: str
    name: str
    role: str
    site: str | None = None


class SignedIn(Outbound):
    """A bearer token for this user; browsers get the same as a cookie and may forget this one. `must_enrol`: it is for
    setting up a second factor, which the role needs, and for nothing else."""

    token: Token
    expires_at: Moment
    user: UserView
    must_enrol: bool = False


class CallerView(Outbound):
    """A user, a terminal, an upstream booking system, or a program that watches the service."""

    kind: Literal["user", "terminal", "integrator", "observer"]
    id: str
    name: str | None = None
    role: str | None = None
    site: str | None = None
    room: str | None = None
    sessions_per_supervisor: int | None = Field(default=None, ge=1)
    must_enrol: bool = False


class Me(Outbound):
    """The identity of the caller."""

    who: CallerView


class DayQuery(Inbound):
    """A day in Asia/Shanghai; today when absent."""

    day: Day | None = None


class PageQuery(Inbound):
    """The window that asks for media; an officer who names none is not counted for what it receives."""

    page: Page | None = None


class Health(Outbound):
    """The answer while new visits can be served. `warnings`: what needs an operator soon, by name."""

    ok: Literal[True] = True
    version: str
    warnings: tuple[Literal["certificate_expires", "certificate_refused"], ...] = ()


class Done(Outbound):
    """The request was carried out."""

    ok: Literal[True] = True


class ClockView(Outbound):
    """The clock as it stands. `agreed`: the time by which visits go. `machine`: what the machine's clock shows.
    `moved_seconds`: by how much that was moved and is not believed, null while it was not. `steps`: how often since the
    service began."""

    agreed: Moment
    machine: Moment
    moved_seconds: float | None
    steps: int = Field(ge=0)

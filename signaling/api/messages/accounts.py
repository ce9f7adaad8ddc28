"""REST models of accounts: changes that wait for a second officer's word, the own password, second factors, and where
an officer is signed in."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from signaling.api.messages.fields import Inbound, Moment, Name, NoteText, Outbound, Short, Token
from signaling.api.messages.sign_in import Base64, Proof, Ticket

Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Word(Inbound):
    """The own password of the officer who confirms: an open page is no word."""

    password: Password = Field(repr=False)


class Refusal(Inbound):
    """Why a change is refused, with the own password of the officer who refuses it."""

    password: Password = Field(repr=False)
    reason: NoteText


class OwnPassword(Inbound):
    """An officer's present password and the new one."""

    password: Password = Field(repr=False)
    new: Password = Field(repr=False)


class AccountChangeView(Outbound):
    """A change of an account: a new one (`add`), a new password, one that is enabled again, or
    one whose second factors are removed (`factors`). `proposed_by`: author as
    in the journal. `mine`: the caller may give the word, as far as roles and sites go. `force_from`: when it may take
    effect without a second officer's word, where there is no such officer any more; null once it is decided."""

    id: str
    kind: Literal["add", "password", "enable", "factors"]
    user: str
    name: str
    role: str
    site: str | None
    proposed_by: str
    at: Moment
    state: Literal["applied", "waiting", "confirmed", "rejected", "replaced", "forced"]
    decided_by: str | None = None
    decided_at: Moment | None = None
    reason: str = ""
    mine: bool = False
    force_from: Moment | None = None


class AccountChangeList(Outbound):
    """Changes of accounts, the newest first."""

    changes: list[AccountChangeView]


class AddFactor(Inbound):
    """The own password, and a second factor where there is one already: a found page adds none. An officer who is
    signed in for setting up the first one sends neither."""

    password: Annotated[str, StringConstraints(max_length=256)] = Field(default="", repr=False)
    proof: Proof | None = None


class ShowFactor(Inbound):
    """A second factor that is shown for a change."""

    proof: Proof


class ConfirmTotp(Inbound):
    """The first code of a new authenticator app, with the state that came with its QR code."""

    state: Ticket = Field(repr=False)
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] = Field(repr=False)
    name: Short


class ConfirmKey(Inbound):
    """A new security key's answer to its challenge (WebAuthn), with the state that came with it."""

    state: Ticket = Field(repr=False)
    name: Short
    id: Base64
    client_data: Base64
    attestation: Base64


class QrCode(Outbound):
    """A QR code as the outline of its dark squares: the path of an SVG of `size` by `size` units, without a border."""

    size: int = Field(ge=21, le=177)
    path: str = Field(repr=False)


class TotpBegun(Outbound):
    """A new authenticator app's secret: to scan (`qr` of `address`) or to type."""

    secret: str = Field(repr=False)
    address: str = Field(repr=False)
    qr: QrCode
    state: str = Field(repr=False)
    expires_at: Moment


class FactorView(Outbound):
    """A second factor, without its secret."""

    id: str
    kind: Literal["totp", "webauthn"]
    name: str
    created_at: Moment
    used_at: Moment | None = None


class FactorAdded(Outbound):
    """A new second factor; with the first one the recovery codes, which are shown this once."""

    factor: FactorView
    recovery_codes: list[str] | None = Field(default=None, repr=False)


class FactorList(Outbound):
    """The caller's second factors, the oldest first. `required`: the role needs one."""

    required: bool
    factors: list[FactorView]
    recovery_codes_left: int = Field(ge=0)


class RecoveryCodes(Outbound):
    """Ten recovery codes, each of which counts once; they are shown this once."""

    codes: list[str] = Field(repr=False)


class SignInSessionView(Outbound):
    """A sign-in that goes on. `device`: browser and system in words, empty for programs; `id` is empty for one of a
    former version."""

    id: str
    device: str
    created_at: Moment | None
    seen_at: Moment | None
    expires_at: Moment
    current: bool


class SignInSessionList(Outbound):
    """The caller's sign-ins, the latest first."""

    sessions: list[SignInSessionView]


class Invite(Inbound):
    """A new officer, and the own password of the administrator who invites."""

    password: Password = Field(repr=False)
    user: Name
    name: Short
    role: Literal["supervisor", "clerk", "approver", "auditor", "procurator", "admin"]
    site: Name | None = None


class Invited(Outbound):
    """An invitation, shown this once. `path`: where the officer sets the own password, once the account exists; `state`
    `waiting`: after a second officer has confirmed `change`; `qr`: of the whole address, for pages of this server."""

    user: str
    path: str = Field(repr=False)
    hours: int
    state: Literal["applied", "waiting"]
    change: str | None = None
    qr: QrCode | None = Field(default=None, repr=False)


class Redeem(Inbound):
    """The token of an invitation, and the password that the officer chooses."""

    token: Token = Field(repr=False)
    password: Password = Field(repr=False)


class Redeemed(Outbound):
    """The account that has a password now: the officer signs in by it."""

    user: str
    name: str


class ProviderView(Outbound):
    """An identity service: its name, and the path that begins a sign-in by it."""

    name: str
    name_en: str
    path: str


class ProviderList(Outbound):
    """The identity services of this installation, none or one."""

    providers: list[ProviderView]


class OidcReturn(Inbound):
    """What the identity service adds to the way back; members that it adds beside these are passed over."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    code: Annotated[str, StringConstraints(max_length=2000)] | None = Field(default=None, repr=False)
    state: Annotated[str, StringConstraints(max_length=200)] | None = None


class OidcBegun(Outbound):
    """The address at the identity service to which the page sends the browser."""

    address: str


class IdentityView(Outbound):
    """Whether the account is linked to a person of the identity service, whose name is null where there is none."""

    name: str | None
    name_en: str | None
    linked: bool

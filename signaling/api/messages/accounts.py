"""REST models of accounts: changes that wait for a second officer's word, and the own password."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from signaling.api.messages.fields import Inbound, Moment, NoteText, Outbound

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
    """A change of an account: a new one (`add`), a new password, or one that is enabled again. `proposed_by`: author as
    in the journal. `mine`: the caller may give the word, as far as roles and sites go."""

    id: str
    kind: Literal["add", "password", "enable"]
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


class AccountChangeList(Outbound):
    """Changes of accounts, the newest first."""

    changes: list[AccountChangeView]

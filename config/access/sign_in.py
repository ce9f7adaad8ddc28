"""Settings of how officers sign in: which roles need a second factor, and for how long a sign-in lasts."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from config.network import server_url

OFFICERS = ("supervisor", "clerk", "approver", "auditor", "procurator", "admin")
NEED_SECOND_FACTOR = ("approver", "auditor", "procurator", "admin")
"""Roles that decide, watch recordings or change accounts; a warden (监狱长) signs in as an approver."""
HOURS = {"supervisor": 12, "clerk": 12}
"""Longest sign-in of a role: one long duty."""
OTHER_HOURS = 10
IDLE_MINUTES = {"supervisor": 0, "clerk": 60}
"""Minutes after which a sign-in that is not used ends; 0: it ends by its hours alone. A supervisor's hands may rest for
a whole visit."""
OTHER_IDLE_MINUTES = 30


class IdentityProvider(BaseModel):
    """A provincial identity service that speaks OpenID Connect. `public_url`: the address of these pages, to which it
    sends browsers back; `name`, `name_en`: the words on the sign-in page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    client_id: str = Field(min_length=1, max_length=200)
    client_secret_file: Path | None = None  # default: a public client, by PKCE alone
    public_url: str
    name: str = Field("统一身份认证", min_length=1, max_length=40)
    name_en: str = Field("Identity service", min_length=1, max_length=40)

    _are_urls = field_validator("issuer", "public_url")(server_url)

    @property
    def redirect_uri(self) -> str:
        """The address to which the service sends a browser back; it is registered there."""
        return f"{self.public_url}/api/v1/sign-in/oidc/callback"


class SignInRules(BaseModel):
    """The section `[sign_in]` of the settings. Hours and minutes are by role; roles left out have the usual ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    second_factor: Literal["", "required", "offered"] = ""  # default: required, and offered in a demonstration
    second_factor_roles: tuple[str, ...] = NEED_SECOND_FACTOR
    hours: dict[str, int] = Field(default_factory=dict)
    idle_minutes: dict[str, int] = Field(default_factory=dict)
    oidc: IdentityProvider | None = None
    invitation_hours: int = Field(default=72, ge=1, le=168)

    @field_validator("second_factor_roles")
    @classmethod
    def _names_the_usual_ones(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        missing = [role for role in NEED_SECOND_FACTOR if role not in roles]
        if missing:
            raise ValueError(f"second_factor_roles leaves out {', '.join(missing)}, who always need one")
        return roles

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, hours: dict[str, int]) -> dict[str, int]:
        return _checked("hours", hours, 1, 24)

    @field_validator("idle_minutes")
    @classmethod
    def _are_minutes(cls, minutes: dict[str, int]) -> dict[str, int]:
        return _checked("idle_minutes", minutes, 0, 720)

    def hours_of(self, role: str) -> int:
        """Return for how many hours a sign-in of this role lasts at the most."""
        return self.hours.get(role, HOURS.get(role, OTHER_HOURS))

    def idle_seconds_of(self, role: str) -> int:
        """Return after how many seconds without use a sign-in of this role ends; 0: only by its hours."""
        return 60 * self.idle_minutes.get(role, IDLE_MINUTES.get(role, OTHER_IDLE_MINUTES))


def _checked(name: str, by_role: dict[str, int], least: int, most: int) -> dict[str, int]:
    for role, value in by_role.items():
        if role not in OFFICERS:
            raise ValueError(f"{name} names {role!r}, which is no role of officers: {', '.join(OFFICERS)}")
        if not least <= value <= most:
            raise ValueError(f"{name}.{role} is not between {least} and {most}")
    return by_role

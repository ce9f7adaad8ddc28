"""The addresses at which terminals are enrolled and sign in. They are open: what is sent proves itself."""

from broker.kernel.errors import ChallengeRefused, Conflict, EnrolmentRefused, TerminalConflict, TerminalRefused
from broker.kernel.errors import TerminalRevoked as Revoked
from signaling.api.messages.identity import (
    Challenge,
    ChallengeAsked,
    EnrolledTerminal,
    Enrolment,
    Migration,
    TerminalSession,
    TerminalSignIn,
)
from signaling.identity.sign_ins import CREDENTIAL, Sender, challenge_seconds
from signaling.ingress.fairness import prefix_of
from signaling.server.client_address import address, names_of_server, over_tls
from signaling.server.routes import Call, Table

table = Table("terminals")
ENROLMENTS, MIGRATIONS = "/api/v1/terminals/enrolments", "/api/v1/terminals/migrations"
CHALLENGES, SESSIONS = "/api/v1/terminals/challenges", "/api/v1/terminals/sessions"
PATHS = frozenset({ENROLMENTS, MIGRATIONS, CHALLENGES, SESSIONS})


@table.add(
    "POST",
    ENROLMENTS,
    roles=(),
    zh="终端凭一次性登记码登记公钥",
    en="Enrol a terminal by a one-time code",
    status=201,
    problems=(EnrolmentRefused, TerminalRefused, Conflict),
)
async def enrol(call: Call, body: Enrolment) -> EnrolledTerminal:
    """The code says for which room; the key is the terminal's from then on."""
    terminal = await call.context.terminal_sign_ins.enrol(body, _sender(call))
    return EnrolledTerminal(terminal=terminal.id, room=terminal.room, site=terminal.site)


@table.add(
    "POST",
    MIGRATIONS,
    roles=(),
    zh="旧版终端令牌换为密钥（一次）",
    en="Exchange the token of a former version for a key, once",
    status=201,
    problems=(EnrolmentRefused, TerminalRefused, Conflict),
)
async def migrate(call: Call, body: Migration) -> EnrolledTerminal:
    """The token is worth nothing afterwards."""
    terminal = await call.context.terminal_sign_ins.migrate(body, _sender(call))
    return EnrolledTerminal(terminal=terminal.id, room=terminal.room, site=terminal.site)


@table.add("POST", CHALLENGES, roles=(), zh="终端登录：取验证码", en="A terminal asks for a challenge")
async def challenge(call: Call, body: ChallengeAsked) -> Challenge:
    """A nonce, whether there is such a terminal or not."""
    nonce = call.context.terminal_sign_ins.challenge(body.terminal, _sender(call))
    return Challenge(nonce=nonce, seconds=challenge_seconds())


@table.add(
    "POST",
    SESSIONS,
    roles=(),
    zh="终端登录：提交签名",
    en="A terminal signs in",
    problems=(ChallengeRefused, TerminalRefused, Revoked, TerminalConflict),
)
async def sign_in(call: Call, body: TerminalSignIn) -> TerminalSession:
    """A credential for some minutes, for a signature."""
    success = await call.context.terminal_sign_ins.sign_in(body, _sender(call))
    terminal = success.terminal
    return TerminalSession(
        token=terminal.token,
        seconds=int(CREDENTIAL.total_seconds()),
        expires_at=success.expires,
        room=terminal.room,
        site=terminal.site,
    )


def _sender(call: Call) -> Sender:
    request = call.request
    return Sender(prefix_of(address(request)), tuple(names_of_server(request)), over_tls(request))

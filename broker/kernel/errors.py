"""Every refusal as an exception type with its HTTP status, its WebSocket close code and its texts.

Only `signaling/server/errors.py` turns them into answers. Problem documents follow RFC 9457.
"""

from typing import Any


class VisitError(Exception):
    """A refusal that a person or a program can act on.

    `detail_en` and `detail_zh` say what happened, by default the titles. `extra` goes into the problem document as
    further members.
    """

    code = "error"
    http_status = 500
    close_code = 4000
    title_zh = "操作未完成"
    title_en = "The operation failed"

    def __init__(self, detail_en: str = "", detail_zh: str = "", **extra: Any) -> None:
        super().__init__(detail_en or self.title_en)
        self.detail_en = detail_en or self.title_en
        self.detail_zh = detail_zh or self.title_zh
        self.extra = extra

    def problem(self) -> dict[str, Any]:
        """Return the problem document (RFC 9457): Chinese in the standard members, English in those ending in `_en`."""
        return {
            **self.extra,
            "type": f"urn:huijian:problem:{self.code}",
            "title": self.title_zh,
            "title_en": self.title_en,
            "status": self.http_status,
            "detail": self.detail_zh,
            "detail_en": self.detail_en,
            "code": self.code,
        }


class NotSignedIn(VisitError):
    """The request has no credential, or one that is unknown, expired or revoked."""

    code, http_status, close_code = "not_signed_in", 401, 4001
    title_zh, title_en = "未登录或凭证无效", "Not signed in, or the credential is not valid"


class Forbidden(VisitError):
    """The caller is signed in, but its role may not do this."""

    code, http_status, close_code = "forbidden", 403, 4003
    title_zh, title_en = "没有权限", "Not allowed for this role"


class InspectionNeeded(VisitError):
    """A procurator looks at a visit without having begun an inspection of it."""

    code, http_status, close_code = "inspection_needed", 403, 4003
    title_zh, title_en = "请先开始检察", "Begin an inspection first"


class SecondFactorNeeded(VisitError):
    """The password is right, and the account has a second factor: `ticket` goes with the code to
    `/api/v1/sign-in/factor` before `expires_at`; `methods` names the kinds that the account has."""

    code, http_status, close_code = "second_factor_needed", 401, 4001
    title_zh, title_en = "请完成两步验证", "A second factor is needed"


class SecondFactorMissing(VisitError):
    """The role needs a second factor, and this account has none yet: it can set one up and do nothing else."""

    code, http_status, close_code = "second_factor_missing", 403, 4003
    title_zh, title_en = "请先设置两步验证", "Set up a second factor first"


class CredentialTooNew(VisitError):
    """The account's password was set, or the account enabled, too short a time ago for a permit; `until` says from when
    it counts."""

    code, http_status, close_code = "credential_too_new", 403, 4003
    title_zh, title_en = "账号密码设置未满规定时间", "The account is too new for a permit"


class SamePerson(VisitError):
    """Two people are needed, and these accounts do not count as two."""

    code, http_status, close_code = "same_person", 403, 4003
    title_zh, title_en = "须由两人分别办理", "Two people are needed"


class NotFound(VisitError):
    """The object does not exist, or the caller may not know that it does."""

    code, http_status, close_code = "not_found", 404, 4004
    title_zh, title_en = "未找到", "Not found"


class NoSlot(VisitError):
    """There is no approved slot, and so no port is opened (Guangdong 35)."""

    code, http_status, close_code = "no_slot", 404, 4004
    title_zh, title_en = "没有已批准的会见时段", "There is no approved slot"


class WrongRoom(VisitError):
    """The terminal's room is not one of the two rooms of the slot (Yunnan 27(1))."""

    code, http_status, close_code = "wrong_room", 403, 4003
    title_zh, title_en = "本终端所在会见室不属于该会见", "This terminal's room is not part of this visit"


class TooEarly(VisitError):
    """The check-in window is not open yet; `opens_at` says when it opens."""

    code, http_status, close_code = "too_early", 403, 4012
    title_zh, title_en = "未到办理时间", "The check-in window is not open yet"


class TooLate(VisitError):
    """The order had to come before a moment that has passed; `articles` names where that is written."""

    code, http_status, close_code = "too_late", 409, 4009
    title_zh, title_en = "已过时限", "Too late"


class SessionEnded(VisitError):
    """The session is over; nothing more is accepted for it."""

    code, http_status, close_code = "session_ended", 410, 4010
    title_zh, title_en = "会见已结束", "The session has ended"


class SecondSide(VisitError):
    """One terminal tried to act for both sides, or to watch its own picture through the relay."""

    code, http_status, close_code = "second_side", 409, 4009
    title_zh, title_en = "一台终端只能代表一方", "A terminal acts for one side only"


class CodecMissing(VisitError):
    """The offer has no H.264 constrained baseline (packetization-mode 1) or no Opus."""

    code, http_status, close_code = "codec_missing", 422, 4022
    title_zh, title_en = "缺少所需编码（H.264 与 Opus）", "The offer lacks a required codec (H.264 and Opus)"


class MalformedSdp(VisitError):
    """The body is not an SDP offer that can be answered (RFC 8866, RFC 9725)."""

    code, http_status, close_code = "malformed_sdp", 400, 4000
    title_zh, title_en = "SDP 格式错误", "The SDP offer is malformed"


class UnsupportedOffer(VisitError):
    """The SDP offer is well-formed, and asks for a transport that the server does not have (RFC 9725)."""

    code, http_status, close_code = "unsupported_offer", 422, 4022
    title_zh, title_en = "SDP 请求的传输方式不受支持", "The offer asks for a transport that is not supported"


class BadRequest(VisitError):
    """The request cannot be understood."""

    code, http_status, close_code = "bad_request", 400, 4000
    title_zh, title_en = "请求格式错误", "The request is malformed"


class Conflict(VisitError):
    """The request contradicts the present state."""

    code, http_status, close_code = "conflict", 409, 4009
    title_zh, title_en = "与现有状态冲突", "It conflicts with the present state"


class TooMany(VisitError):
    """A limit on counts or rates is reached; `retry_after` (seconds) says when waiting helps."""

    code, http_status, close_code = "too_many", 429, 4029
    title_zh, title_en = "请求过多，请稍后再试", "Too many; try again later"


class TooManyWindows(VisitError):
    """An officer shows the same picture in more than `windows` windows. Waiting does not help."""

    code, http_status, close_code = "too_many_windows", 429, 4029
    title_zh, title_en = "同一画面打开的窗口过多", "The same picture is open in too many windows"


class Busy(VisitError):
    """More requests wait than the server answers in good time (RFC 9110, 15.6.4); `retry_after` (seconds) says when to
    ask again."""

    code, http_status, close_code = "busy", 503, 1013
    title_zh, title_en = "服务繁忙，请稍后再试", "The server is busy; try again in a moment"


class TooLarge(VisitError):
    """The body or message is over its size limit."""

    code, http_status, close_code = "too_large", 413, 1009
    title_zh, title_en = "内容过大", "Too large"


class RelayUnavailable(VisitError):
    """The relay worker of this session does not run or does not answer."""

    code, http_status, close_code = "relay_unavailable", 503, 1013
    title_zh, title_en = "转发服务暂不可用", "The relay is not available"


class RelayFull(RelayUnavailable):
    """Every relay worker has as many sessions as its core carries. The session waits, and is placed when another one
    ends."""

    code = "relay_full"
    title_zh, title_en = "转发服务已满", "The relay is full"

    def __init__(self, carries: int, placed: int, limit: int | None) -> None:
        """A worker `carries` so many sessions on this machine, `placed` are on all of them; `limit` is that of the
        settings, where it is what holds a worker back."""
        limited = limit is not None and limit <= carries
        more_en = "raise relay_worker_sessions, or " if limited else ""
        more_zh = "提高 relay_worker_sessions，或" if limited else ""
        super().__init__(
            f"All relay workers are full: {placed} sessions are placed, and each worker carries {carries} here. This "
            f"one waits, and is placed when another ends. For more at a time {more_en}give the service more cores "
            "(relay_workers), or a faster machine.",
            f"转发服务已满：已安排 {placed} 次会见，本机每个转发进程可承载 {carries} 次。"
            f"本次会见自动等候，有会见结束即安排。需要更多并行会见时，请{more_zh}增加处理器核心（relay_workers）或换用更快的机器。",
            carries=carries,
            placed=placed,
        )


class RecorderUnavailable(VisitError):
    """The recorder does not run, lags, or is short of disk space; then no media may cross (Yunnan 13)."""

    code, http_status, close_code = "recorder_unavailable", 503, 1013
    title_zh, title_en = "录制服务暂不可用", "The recorder is not available"


class ControlUnavailable(VisitError):
    """The control process starts, stops or hangs. What it serves has to wait."""

    code, http_status, close_code = "control_unavailable", 503, 1013
    title_zh, title_en = "服务正在启动，请稍后再试", "The service is starting; try again in a moment"


class StorageUnavailable(VisitError):
    """The database is locked or gone."""

    code, http_status, close_code = "storage_unavailable", 503, 1013
    title_zh, title_en = "数据库暂不可用", "The database is not available"


class PolicyViolation(VisitError):
    """The value is looser than the law or the province's policy allows; `articles` names the articles."""

    code, http_status, close_code = "policy_violation", 422, 4022
    title_zh, title_en = "不符合规定", "Against the regulation"


class TextNotAllowed(VisitError):
    """A text has characters that cannot be seen or read as text; `where` names it, `what` says which kind."""

    code, http_status, close_code = "text_not_allowed", 400, 4000
    title_zh, title_en = "文字含有不允许的字符", "The text has characters that are not allowed"


class ReasonNeeded(VisitError):
    """The order needs a code of the rules and a reason in words. Member: `codes`, those that may be given."""

    code, http_status, close_code = "reason_needed", 422, 4022
    title_zh, title_en = "须写明条款代码和理由", "A code and a reason are needed"


class Suspended(VisitError):
    """Visits of a listed person are suspended on that day. Members: `until`, `articles`, and the id in `person`."""

    code, http_status, close_code = "suspended", 422, 4022
    title_zh, title_en = "所列人员已暂停会见", "A listed person's visits are suspended"


class Forfeited(VisitError):
    """A listed visitor did not come and has lost the month's visits (Guangdong 23). Members: `until`, `articles`,
    `person`."""

    code, http_status, close_code = "forfeited", 422, 4022
    title_zh, title_en = "所列人员当月不再安排会见", "A listed visitor has lost the month's visits"


class EnrolmentRefused(VisitError):
    """The one-time code, or the token of a former version, is wrong, used or too old: which of these is not told."""

    code, http_status, close_code = "enrolment_refused", 403, 4003
    title_zh, title_en = "终端登记码无效", "The enrolment code is not valid"


class InvitationRefused(VisitError):
    """The link of an invitation is wrong, used, too old, or its account is not confirmed yet: which of these is not
    told."""

    code, http_status, close_code = "invitation_refused", 403, 4003
    title_zh, title_en = "邀请链接无效", "The invitation is not valid"


class IdentityRefused(VisitError):
    """The identity service's answer is not valid, or its person has no account here: which of these is not told."""

    code, http_status, close_code = "identity_refused", 403, 4003
    title_zh, title_en = "统一身份认证未通过", "The identity service's answer does not open an account"


class ProviderUnavailable(VisitError):
    """The identity service does not answer."""

    code, http_status, close_code = "provider_unavailable", 503, 1013
    title_zh, title_en = "统一身份认证服务无应答", "The identity service does not answer"


class TerminalRefused(VisitError):
    """The signature is not that of the terminal's key, or there is no such terminal; which of these is not told."""

    code, http_status, close_code = "terminal_refused", 403, 4003
    title_zh, title_en = "终端身份未通过核验", "The terminal has not proven who it is"


class ChallengeRefused(VisitError):
    """The nonce was used, is too old, or was not given out to this terminal: a new one has to be asked for."""

    code, http_status, close_code = "challenge_refused", 403, 4003
    title_zh, title_en = "终端验证码已使用或已过期", "The challenge was used or is too old"


class TerminalRevoked(VisitError):
    """The terminal was revoked; it has to be enrolled anew."""

    code, http_status, close_code = "terminal_revoked", 403, 4001
    title_zh, title_en = "终端已注销", "The terminal was revoked"


class TerminalReassigned(VisitError):
    """Another terminal acts for the room from now on, or this one acts for another room: it connects anew at once."""

    code, http_status, close_code = "terminal_reassigned", 409, 4014
    title_zh, title_en = "终端用途已变更，请重新连接", "The terminal acts for another room; connect anew"


class TerminalConflict(VisitError):
    """The terminal's key was used in two places at once: both are refused until an administrator decides."""

    code, http_status, close_code = "terminal_conflict", 409, 4013
    title_zh, title_en = "终端身份在两处使用", "The terminal's key is used in two places"


_BY_CODE = {kind.code: kind for kind in VisitError.__subclasses__()}


def from_problem(problem: dict[str, Any]) -> VisitError:
    """Return the error that `problem()` of another process described. An unknown code becomes a plain VisitError."""
    kind = _BY_CODE.get(str(problem.get("code")), VisitError)
    fixed = {"type", "title", "title_en", "status", "detail", "detail_en", "code", "self", "detail_zh"}
    extra = {key: value for key, value in problem.items() if key not in fixed and key.isidentifier()}
    return kind(str(problem.get("detail_en", "")), str(problem.get("detail", "")), **extra)

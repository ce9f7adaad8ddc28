"""`huijian verify --server`: a server reads one of its recordings whole, and says what it has found."""

import time
from typing import Any

from broker.kernel.errors import BadRequest
from huijian.errors import FOUND, REFUSED
from huijian.output import say, warn
from huijian.remote.server import Api

LOOK = 0.5
"""Seconds between two questions whether the server has read the recording."""
CODES = {"sound": 0, "damaged": FOUND}
"""Exit codes by what was found; another state is a verification that did not come to its end."""


def check_wanted(target: str | None, *others: Any) -> None:
    """Check that one session is named and nothing else. Raises BadRequest: files are checked where they lie."""
    if target is None or "/" in target or any(others):
        raise BadRequest(
            "A server verifies one recording: `huijian verify SESSION --server …`. The whole archive is verified on "
            "the server's own machine alone; packages, ledgers, exports of the journal and copies where they lie: "
            "leave --server (HUIJIAN_SERVER) out.",
            "服务器一次验证一份录像：huijian verify 会见编号 --server …。整个存档只能在服务器本机验证；移交包、台账、"
            "日志导出和副本在其所在机器上验证，请去掉 --server（HUIJIAN_SERVER）。",
        )


def verify_at(api: Api, session: str, json: bool) -> int:
    """Have a recording verified, print what was found when it is done, and return the exit code. Raises VisitError."""
    found = api.post("visits", session, "verification", body={})
    while found["state"] == "running":
        time.sleep(LOOK)
        found = api.get("visits", session, "verification")
    if json:
        say({"ok": found["state"] == "sound", "session": session, **found}, as_json=True)
    else:
        _say(found)
    return CODES.get(found["state"], REFUSED)


def _say(found: dict[str, Any]) -> None:
    for finding in found["findings"]:
        second = "" if finding["second"] is None else f" second {finding['second']:g}"
        print(f"{finding['code'].upper()} {finding['file']}{second} ({finding['zh']} {finding['en']})")
    result = f"{found['zh']} {found['en']}"
    if found["state"] == "sound":
        print(f"WHOLE {result}")
    else:
        warn(result)

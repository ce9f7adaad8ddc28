"""The purge at a server, in the forms in which `purge_output` prints a plan and an outcome."""

import time
from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import typer

from broker.kernel.errors import Conflict
from huijian.remote.server import Api
from recorder.retention.purge import Outcome

LOOK = 1.0  # seconds between looks at a purge that runs


def plan_at(api: Api, site: str | None) -> Any:
    """Return what is due at a server, as a plan that can be shown. Raises VisitError."""
    view = api.get("purge", site=site)
    sites = {due["site"]: _due(due) for due in view["sites"]}
    chains = SimpleNamespace(broken={chain["site"]: chain["why"] for chain in view["broken"]})
    scope = SimpleNamespace(as_of=datetime.fromisoformat(view["as_of"]), chains=chains, witnessed=None)
    kept = {kept["code"]: kept["count"] for kept in view["kept"]}
    return SimpleNamespace(
        scope=scope, sites=sites, kept=kept, recordings=view["recordings"], bytes=view["bytes"], hash=None
    )


def purge_at(api: Api, code: str | None) -> Outcome:
    """Order the purge that a code is for, and follow it to its end. Raises VisitError."""
    if code is None:
        raise typer.BadParameter(
            "the server finishes by itself what was broken off. 中断的销毁由服务自行完成", param_hint="--resume"
        )
    state = api.post("purge", "apply", body={"code": code.strip().upper()})
    while state["state"] == "running":
        time.sleep(LOOK)
        state = api.get("purge", "run")
    if state["en"] is not None:
        raise Conflict(state["en"], state["zh"])
    left = {name: [(each["session"], each["why"]) for each in state[name]] for name in ("kept", "failed")}
    return Outcome(deleted=state["deleted"], bytes=state["bytes"], kept=left["kept"], failed=left["failed"])


def _due(due: Mapping[str, Any]) -> SimpleNamespace:
    ends = {name: None if due[name] is None else datetime.fromisoformat(due[name]) for name in ("oldest", "newest")}
    return SimpleNamespace(recordings=due["recordings"], bytes=due["bytes"], **ends)

"""The purge that officers order over HTTP: it goes on in the background when its order was answered, one at a time. It
may be broken off at any point, also by the end of the service: what was ordered is finished by the next one."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from broker.kernel.errors import Conflict, StorageUnavailable, VisitError
from broker.kernel.tasks import Tasks
from recorder.evidence.signing import KeyProblem
from recorder.retention.approvals import Approval
from recorder.retention.plan import Scope
from recorder.retention.purge import Outcome
from signaling.retention.purge_context import Installation, note_end, purge_of, rules_of

log = structlog.get_logger()


@dataclass(slots=True)
class PurgeRun:
    """One purge: who ordered it, how many recordings its plan has, and what it has done so far. `error`: the refusal
    or the fault that ended it."""

    by: str
    second: str
    site: str | None
    recordings: int
    begun_at: datetime
    outcome: Outcome = field(default_factory=Outcome)
    ended_at: datetime | None = None
    error: VisitError | None = None


class PurgeRuns:
    """The purge that runs, or the latest one."""

    def __init__(self) -> None:
        self._tasks = Tasks()
        self.latest: PurgeRun | None = None
        self.planning = asyncio.Lock()  # held while a plan is made, which goes through the whole catalog

    def check_free(self) -> None:
        """Raise Conflict while a purge runs here."""
        if self.latest is not None and self.latest.ended_at is None:
            raise Conflict("Another purge is running.", "另一项销毁正在进行。")

    def begin(self, installation: Installation, approval: Approval, scope: Scope, run: PurgeRun) -> None:
        """Carry out an approved plan in the background. Raises Conflict while another one runs."""
        self.check_free()
        self.latest = run
        self._tasks.spawn(self._carry_out(installation, approval, scope, run))

    async def close(self) -> None:
        """Break off what runs; the next purge finishes it."""
        await self._tasks.close()

    async def wait(self) -> None:
        """Wait until the purge that runs has ended."""
        await self._tasks.wait()

    async def _carry_out(self, installation: Installation, approval: Approval, scope: Scope, run: PurgeRun) -> None:
        author, facts = f"user:{run.by}", {"plan": approval.plan, "second": approval.by}
        try:
            rules = await rules_of(installation)
            await purge_of(installation).apply(approval, scope, rules, run.by, run.outcome)
            await note_end(installation, author, run.outcome, facts)
        except VisitError as error:
            run.error = error
            log.warning("purge refused", why=error.code)
        except KeyProblem as error:
            run.error = StorageUnavailable(
                "The key of the archive cannot be read.", "签名密钥无法读取，请系统管理员处理。"
            )
            log.error("purge ended", why=type(error).__name__)
        except Exception as error:
            run.error = VisitError(
                "A fault ended the purge; the service's log says more. What was ordered is finished by the next one.",
                "销毁因故障中断，请系统管理员查看服务日志；已下达的销毁由下一次销毁完成。",
            )
            log.error("purge ended", why=type(error).__name__)
        finally:
            run.ended_at = installation.store.clock.now().wall

"""Renders the tables of authority in docs/rules.md: which role may send each request and each order, and who may do
what with a slot. Rows come from the tables that the server itself obeys, so that page and server cannot differ."""

from collections.abc import Iterable, Iterator

from broker.authority.slot_acts import MAY, Relation, SlotAct
from signaling.api.orders import ROWS
from signaling.auth.scope import Role
from signaling.server.app import ROUTES
from signaling.server.routes import Route

SHORT = {
    Role.TERMINAL: "终端",
    Role.SUPERVISOR: "监督",
    Role.CLERK: "经办",
    Role.APPROVER: "批准",
    Role.AUDITOR: "审计",
    Role.PROCURATOR: "检察",
    Role.ADMIN: "管理",
    Role.INTEGRATOR: "预约",
    Role.OBSERVER: "监测",
}
"""Roles in the order of the columns, as short as a column is."""
RELATIONS = {
    Relation.PROVINCE: "省级 province",
    Relation.PRISON: "监所一方 prison",
    Relation.VISITOR: "会见人一方 visitor",
}
HEAD = """## 权限 · Authority

由 `make docs` 根据接口行、指令表与时段权限表生成。●：该角色可以请求；其余一律拒绝（403），他单位的事项一律不存在
（404）。○：无须登录。会见室终端只及于本室本场会见，人员只及于本单位；省级审计员、检察人员、系统管理员及于全省；检察人员须先写明理由开始检察。合成管理员只及于其演练。

Made from the rows that the server obeys. ●: this role may ask; everything else is refused (403), and what belongs to
other sites does not exist (404). ○: open, without signing in. Terminals reach the visit of their own room, officers
those of their own site, auditors, procurators and administrators without a site those of the province. A procurator
first begins an inspection of the visit, with a reason.

终端 terminal · 监督 supervisor · 经办 clerk · 批准 approver · 审计 auditor · 检察 procurator · 管理 admin ·
预约 integrator（预约系统的密钥）· 监测 observer（监测程序的密钥）
""".splitlines()


def lines() -> Iterator[str]:
    """Yield the lines of the section."""
    yield from HEAD
    yield from ("", "### 请求 · Requests", "")
    yield from _table(("方法 method", "路径 path", "事项"), (_of_route(route) for route in ROUTES))
    yield from ("", "### 指令 · Orders (WebSocket and `POST /api/v1/sessions/{session}/…`)", "")
    rows = (((f"`{row.name}`", row.zh, row.en), frozenset({row.role})) for row in ROWS)
    yield from _table(("指令 order", "事项", ""), rows)
    yield from ("", "### 时段 · Slots", "")
    yield from _slots()


def _of_route(route: Route) -> tuple[tuple[str, str, str], frozenset[Role]]:
    return (route.method, f"`{route.path}`", f"{route.zh} {route.en}"), route.roles


def _table(names: tuple[str, str, str], rows: Iterable[tuple[tuple[str, str, str], frozenset[Role]]]) -> Iterator[str]:
    yield _row((*names, *SHORT.values()))
    yield _row(("---", "---", "---", *(":-:" for _ in SHORT)))
    for cells, roles in rows:
        marks = ["●" if role in roles else "" for role in SHORT] if roles else ["○" for _ in SHORT]
        yield _row((*cells, *marks))


def _slots() -> Iterator[str]:
    yield _row(("事项 act", "角色 role", *RELATIONS.values()))
    yield _row(("---", "---", *(":-:" for _ in RELATIONS)))
    for act in SlotAct:
        for role in dict.fromkeys(str(role) for role in Role):
            marks = ["●" if (role, place) in MAY[act] else "" for place in RELATIONS]
            if any(marks):
                yield _row((act.value, role, *marks))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"

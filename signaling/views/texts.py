"""Chinese and English texts of every code that a page, kiosk or notice shows, in one place so that all show the same.
An unknown code is shown as it is; a display must never fail because a text is missing."""

from typing import NamedTuple

from broker.booking.language import Spoken, spoken_as


class Text(NamedTuple):
    """A text in both languages."""

    zh: str
    en: str


STATES = {
    "scheduled": Text("待办理", "Scheduled"),
    "check_in": Text("办理入场", "Check-in"),
    "ready": Text("准备就绪", "Ready"),
    "live": Text("会见中", "Live"),
    "held": Text("已中止", "On hold"),
    "ended": Text("已结束", "Ended"),
}

REASONS = {
    # held
    "supervisor": Text("管理员中止会见", "Held by a supervisor"),
    "quorum_lost": Text("监督人员不足，会见中止", "Too few supervisors are watching"),
    "recorder_lost": Text("录制异常，会见中止", "Recording was interrupted"),
    "room_lost": Text("会见室连接中断", "A room lost its connection"),
    "taken_up": Text("系统恢复中，会见暂停", "The system is recovering"),
    "storage_lost": Text("数据库无法写入，会见中止", "The database cannot be written"),
    "relay_lost": Text("转发服务中断", "The relay was interrupted"),
    # ended
    "time_limit": Text("会见时间已到", "The visit reached its time limit"),
    "slot_end": Text("预约时段已结束", "The slot came to its end"),
    "completed": Text("会见正常结束", "The visit is complete"),
    "ended_by_supervisor": Text("管理员终止会见", "Ended by a supervisor"),
    "no_show": Text("未按时到场，视为放弃", "A side did not arrive in time"),
    "no_show_prison": Text("监所一方未按时到场", "The prison's side did not arrive in time"),
    "no_show_visitor": Text("家属一方未按时到场，视为放弃", "The visitors did not arrive in time"),
    "no_show_visitor_visit": Text(
        "家属一方未按时到场，视为放弃本次会见", "The visitors did not arrive in time and have given up this visit"
    ),
    "no_show_visitor_month": Text(
        "家属一方无故迟到或未到场，当月不再安排视频会见",
        "The visitors did not arrive in time; no further video visit this month",
    ),
    "refused": Text("不予会见", "The visit was refused"),
    "technical": Text("技术故障，将优先重新安排", "A technical fault; it will be booked again with priority"),
    "cancelled": Text("会见已取消", "The visit was cancelled"),
}

MISSING = {
    "storage": Text("数据库未就绪", "The database is not ready"),
    "relay": Text("转发服务未就绪", "The relay is not ready"),
    "recorder": Text("录制服务未就绪", "The recorder is not ready"),
    "prison_check_in": Text("监所一方人员核验未完成", "Check-in on the prison's side is not complete"),
    "visitor_check_in": Text("家属一方人员核验未完成", "Check-in on the visitors' side is not complete"),
    "prison_self_test": Text("监所一方设备未自检或已过期", "The prison's side has no fresh equipment test"),
    "visitor_self_test": Text("家属一方设备未自检或已过期", "The visitors' side has no fresh equipment test"),
    "prison_media": Text("监所一方音视频未到达", "The prison's picture and sound do not arrive"),
    "visitor_media": Text("家属一方音视频未到达", "The visitors' picture and sound do not arrive"),
    "visitor_letter": Text("家属一方首次会见承诺书未签署", "A commitment letter of a first visit is not signed"),
    "prison_seat": Text("监所一方会见席位未就绪", "The prison's seat is not ready"),
    "visitor_seat": Text("家属一方会见席位未就绪", "The visitors' seat is not ready"),
    "interpreter": Text("使用非普通话会见，翻译人员未到场核验", "An interpreter is needed and has not been checked in"),
    "prison_quorum": Text("监所一方监督人员不足", "Too few supervisors watch for the prison"),
    "visitor_quorum": Text("家属一方监督人员不足", "Too few supervisors watch for the bureau"),
}

# The check-in desk: which person lacks what, for officers only.

TICKS = {
    "identity": Text("身份核验", "identity check"),
    "security": Text("安全检查", "security check"),
    "phone": Text("寄存手机等物品", "handing in the phone"),
    "rules": Text("告知规定", "telling the rules"),
    "letter": Text("签署承诺书", "signing the letter"),
}

SIDES = {"prison": Text("监所一方", "Prison side"), "visitor": Text("家属一方", "Visitor side")}

PERSON_LACKS = Text("{side} {name}：尚缺{ticks}", "{side}, {name}, still to do: {ticks}")
NO_PERSON_HERE = Text("{side}：无人到场", "{side}: no person has come")
NO_INTERPRETER_LISTED = Text(
    "使用非普通话会见，但批准名单中没有翻译人员，须重新提交时段",
    "An interpreter is needed and none is on the approved list: the slot has to be posted anew",
)

# Languages by BCP 47 tag; browsers know few of these names. Other languages show their tag.
LANGUAGES = {
    "zh": Text("普通话", "Mandarin"),
    "cmn": Text("普通话", "Mandarin"),
    "yue": Text("粤语", "Cantonese"),
    "hak": Text("客家话", "Hakka"),
    "nan": Text("闽南话（含潮州话）", "Southern Min"),
    "bo": Text("藏语", "Tibetan"),
    "ii": Text("彝语", "Yi"),
    "za": Text("壮语", "Zhuang"),
    "bca": Text("白语", "Bai"),
    "hni": Text("哈尼语", "Hani"),
    "tdd": Text("德宏傣语", "Tai Nüa"),
    "khb": Text("西双版纳傣语", "Tai Lü"),
    "hmn": Text("苗语", "Miao"),
    "lis": Text("傈僳语", "Lisu"),
    "lhu": Text("拉祜语", "Lahu"),
    "prk": Text("佤语", "Wa"),
    "nxq": Text("纳西语", "Naxi"),
    "ium": Text("瑶语", "Iu Mien"),
    "kac": Text("景颇语", "Jingpo"),
    "ug": Text("维吾尔语", "Uyghur"),
    "mn": Text("蒙古语", "Mongolian"),
    "my": Text("缅甸语", "Burmese"),
    "vi": Text("越南语", "Vietnamese"),
    "lo": Text("老挝语", "Lao"),
    "th": Text("泰语", "Thai"),
    "en": Text("英语", "English"),
    "csl": Text("手语", "Chinese Sign Language"),
    "sgn": Text("手语", "sign language"),
}

WHY = {
    "attention": Text("在岗确认超时，请确认在岗", "A question whether you watch is not answered"),
    "no_page": Text("未通过监督页面观看", "Not watching through the monitor page"),
    "page_silent": Text("监督页面没有响应", "The page does not answer"),
    "hidden": Text("监督页面不在前台", "The page is not in front"),
    "not_receiving": Text("未收到双方画面和声音", "Picture and sound of both sides do not arrive"),
    "not_shown": Text("画面已暂停或未显示", "A picture is paused or not shown"),
    "not_chosen": Text("未选择在这一场值守", "Not on duty for this visit"),
    "too_many": Text("已超过一人可同时监督的场数", "More visits than one officer may supervise"),
}

ALERTS = {
    "quorum_at_risk_unanswered": Text(
        "监督人数即将不足：有人尚未确认在岗", "The quorum is about to fail: a supervisor has not answered"
    ),
    "quorum_at_risk_thin": Text(
        "监督人员只剩最低人数：再少一人即中止",
        "Only as many supervisors as are needed are left",
    ),
    "quorum_at_risk_lost": Text("在岗监督人员不足", "Too few supervisors are watching"),
    "room_lost": Text("会见室连接中断", "The room has lost its connection"),
    "recorder_lost": Text("录制中断", "Recording is interrupted"),
    "recorder_lagging": Text("录制有丢失", "The recorder loses some of it"),
    "recorder_disk": Text("录像存储空间不足", "Little room is left for recordings"),
    "black": Text("画面全黑", "The picture is black"),
    "frozen": Text("画面静止不动", "The picture is frozen"),
    "silent": Text("长时间没有声音", "No sound for a long time"),
    "heads": Text(
        "画面中约 {count} 人，已核验入场 {listed} 人", "About {count} people in the picture, {listed} checked in"
    ),
    "one_minute": Text("会见还剩一分钟", "One minute left"),
    "five_minutes": Text("会见还剩五分钟", "Five minutes left"),
}

RECORDING = {
    "none": Text("未录制", "Not recording"),
    "starting": Text("录制启动中", "Starting"),
    "writing": Text("录制中", "Recording"),
    "lost": Text("录制中断", "Interrupted"),
    "finalizing": Text("归档处理中", "Finalizing"),
    "archived": Text("已归档", "Archived"),
    "failed": Text("归档失败", "Archiving failed"),
}


def text_of(table: dict[str, Text], code: str) -> Text:
    """Return the text for a code, or the code itself."""
    return table.get(code, Text(code, code))


def language_name(tag: str) -> Text:
    """Return the name of a language tag: `zh-yue` by its dialect, `bo-CN` by its language, an unknown one by itself."""
    first, *rest = tag.lower().split("-")
    name = next((LANGUAGES[part] for part in (*rest, first) if part in LANGUAGES), Text(tag, tag))
    if name is LANGUAGES["zh"] and spoken_as(tag) is Spoken.DIALECT:
        return Text(f"汉语方言（{tag}）", f"Chinese dialect ({tag})")
    return name

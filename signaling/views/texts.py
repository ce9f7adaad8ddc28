"""Chinese and English texts of every code that a page, kiosk or notice shows, in one place so that all show the same.
An unknown code is shown as it is; a display must never fail because a text is missing."""

from collections.abc import Mapping
from typing import NamedTuple

from broker.booking.language import Spoken, spoken_as
from recorder.explained.words import ABSENCES


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
    "quorum_lost": Text("管理员不足，会见中止", "Too few supervisors are watching"),
    "recorder_lost": Text("录制异常，会见中止", "Recording was interrupted"),
    "room_lost": Text("会见室线路中断", "The line of a room broke"),
    "film_unusable": Text("录像无法播放，会见中止", "What is recorded could not be played"),
    "taken_up": Text("系统恢复中，会见中止", "The system is recovering"),
    "storage_lost": Text("数据库无法写入，会见中止", "The database cannot be written"),
    "relay_lost": Text("转发服务中断", "The relay was interrupted"),
    # ended
    "time_limit": Text("会见时间已到", "The visit reached its time limit"),
    "slot_end": Text("预约时段已结束", "The slot came to its end"),
    "completed": Text("会见正常结束", "The visit is complete"),
    "ended_by_supervisor": Text("管理员终止会见", "Ended by a supervisor"),
    "no_show": Text("入场核验时限已到，有一方未到场", "A side had not arrived when check-in closed"),
    "no_show_prison": Text(
        "入场核验时限已到，监所一方未到场，将优先重新安排",
        "The prison's side had not arrived; it will be booked again with priority",
    ),
    "no_show_visitor": Text("入场核验时限已到，会见人一方未到场", "The visitors had not arrived when check-in closed"),
    "refused": Text("不予会见", "The visit was refused"),
    "technical": Text("技术故障，将优先重新安排", "A technical fault; it will be booked again with priority"),
    "cancelled": Text("会见已取消", "The visit was cancelled"),
}

SPEAK_TO_STAFF = Text("；请与工作人员联系", "; please speak to the staff")
"""What a room is told beside an ending of which a person decides what follows; staff are those people."""

CAUSES = {
    "not_brought": Text("监所一方未到场", "The prison's side had not arrived"),
    "desk_missed": Text("办理入场期间系统未运行", "The system did not run while check-in was open"),
    "power_lost": Text("会见期间系统断电重启", "The machine was restarted during the visit"),
    "internal_error": Text("系统故障", "An internal fault"),
}
"""Causes of a re-booking request beside those of holds and of what was missing."""

DRILL_STEPS = {
    "terminals": Text("两室终端在线", "Both rooms' terminals are connected"),
    "tests": Text("两室设备自检通过", "The equipment tests of both rooms pass"),
    "gate": Text("管理员不足时不放行", "Nothing crosses before the quorum"),
    "opening": Text("人员到齐即放行", "The gate opens with the quorum"),
    "media": Text("双向音视频互通", "Picture and sound cross both ways"),
    "cut": Text("一名管理员离开后按时切断", "It is cut in time when an officer leaves"),
    "resume": Text("管理员返回后恢复", "It goes on when the officer is back"),
    "end": Text("到时限准时结束", "It ends at its limit"),
    "recording": Text("录像封存", "The recording is sealed"),
    "verify": Text("录像验证通过", "The recording verifies"),
    "disk": Text("磁盘空间和写入速度", "Free space and speed of the disk"),
    "line": Text("两室线路质量", "The lines of both rooms"),
    "interrupted": Text("演练程序中断", "The drill was interrupted"),
    "yielded": Text("会见需要使用会见室，演练让出", "A visit needed a room, and the drill gave way"),
    "missing": Text("当日未能进行演练", "No drill could be made today"),
}
"""The steps of a drill in words, and how one ends that was not finished."""

MISSING = {
    "drill": Text(
        "当日演练未通过：须由管理员说明理由后方可开始",
        "The drill of these rooms failed; an officer says why the visit can begin",
    ),
    "storage": Text("数据库未就绪", "The database is not ready"),
    "relay": Text("转发服务未就绪或会见已满", "The relay is not ready, or full"),
    "recorder": Text("录制服务未就绪", "The recorder is not ready"),
    "prison_check_in": Text("监所一方人员核验未完成", "Check-in on the prison's side is not complete"),
    "visitor_check_in": Text("会见人一方人员核验未完成", "Check-in on the visitors' side is not complete"),
    "prison_self_test": Text("监所一方设备未自检或已过期", "The prison's side has no fresh equipment test"),
    "visitor_self_test": Text("会见人一方设备未自检或已过期", "The visitors' side has no fresh equipment test"),
    "prison_media": Text(
        "监所一方会见室未到（终端尚未接入）", "The prison's room has not come yet: no picture and sound"
    ),
    "visitor_media": Text(
        "会见人一方会见室未到（终端尚未接入）", "The visitors' room has not come yet: no picture and sound"
    ),
    "prison_subscription": Text(
        "监所一方会见室尚未接收对方画面", "The prison's room does not receive the far room yet"
    ),
    "visitor_subscription": Text(
        "会见人一方会见室尚未接收对方画面", "The visitors' room does not receive the far room yet"
    ),
    "prison_film": Text("监所一方录像无法播放", "What is recorded of the prison's side could not be played"),
    "visitor_film": Text("会见人一方录像无法播放", "What is recorded of the visitors' side could not be played"),
    "visitor_letter": Text("会见人一方首次会见承诺书未签署", "A commitment letter of a first visit is not signed"),
    "prison_seat": Text("监所一方会见席位未就绪", "The prison's seat is not ready"),
    "visitor_seat": Text("会见人一方会见席位未就绪", "The visitors' seat is not ready"),
    "prison_rules": Text("监所一方会见室尚未确认须知", "The prison's room has not acknowledged the rules yet"),
    "visitor_rules": Text("会见人一方会见室尚未确认须知", "The visitors' room has not acknowledged the rules yet"),
    "interpreter": Text("使用非普通话会见，翻译人员未到场核验", "An interpreter is needed and has not been checked in"),
    "eligibility": Text("会见资格复核未通过，请与工作人员联系", "A check of who may meet is not passed; ask the staff"),
    "second_approval": Text("尚待另一方监所批准", "The other institution has still to approve"),
    "prison_quorum": Text("监所一方管理员不足", "Too few supervisors watch for the prison"),
    "visitor_quorum": Text("会见人一方管理员不足", "Too few supervisors watch for the bureau"),
}

LINE_BROKEN = Text("{side}会见室线路中断", "{side}: the line of the room is broken")
LINE_BROKEN_SINCE = Text("{side}会见室线路中断（{time} 起）", "{side}: the line of the room is broken since {time}")
"""A room that was there, and no longer is."""

BETWEEN_INMATES = {
    "visitor_check_in": Text("另一方监所人员核验未完成", "Check-in on the second prison's side is not complete"),
    "visitor_self_test": Text("另一方监所设备未自检或已过期", "The second prison's side has no fresh equipment test"),
    "visitor_media": Text(
        "另一方监所会见室未到（终端尚未接入）", "The second prison's room has not come yet: no picture and sound"
    ),
    "visitor_seat": Text("另一方监所会见席位未就绪", "The second prison's seat is not ready"),
    "visitor_quorum": Text("另一方监所管理员不足", "Too few supervisors watch for the second prison"),
    "no_show_visitor": Text("另一方监所未按时将人员带到", "The second prison did not bring its inmate in time"),
    "visitor": Text("另一方监所", "Second prison's side"),
}
"""Words where the visitor side is a second prison (Yunnan 7, Guangdong 16), in place of those about a family."""

# Why no film can be made of what a room sends, for officers and for who mends the equipment.

FILM_FAULTS = {
    "no_pictures": Text("没有画面到达录制服务", "no picture reaches the recorder"),
    "no_keyframe": Text(
        "没有关键帧（须能按请求发送 IDR 帧，不得使用帧内刷新）",
        "no keyframe comes (the encoder has to send IDR pictures when asked, not intra refresh)",
    ),
    "no_sets": Text("缺少编码参数集（SPS、PPS）", "its parameter sets (SPS, PPS) never came"),
    "large_sets": Text("编码参数集过大", "its parameter sets are too large"),
    "unsupported": Text(
        "编码格式不受支持（须为 H.264 受限基线档次）",
        "its coding is not supported (H.264 constrained baseline is needed)",
    ),
    "reordered": Text("含有 B 帧，须在编码器中关闭", "it has B-frames, which have to be switched off in the encoder"),
    "stamps": Text("画面时间戳没有递增", "the time stamps of its pictures do not ascend"),
    "corrupt": Text("画面数据损坏", "its pictures are damaged"),
    "loss": Text("网络丢包，尚未收到新的关键帧", "packets are missing, and no keyframe has come since"),
    "too_much": Text("码率超过上限，须在编码器中调低", "it sends more than is allowed; lower the encoder's bit rate"),
    "no_sound": Text("没有声音到达录制服务", "no sound reaches the recorder"),
    "bad_sound": Text("声音数据无法解码（须为 Opus）", "its sound cannot be decoded (Opus is needed)"),
}

FILM_FAULT = Text("{side}录像无法播放：{fault}", "{side}, what is recorded could not be played: {fault}")

# The check-in desk: which person lacks what, for officers only.

TICKS = {
    "identity": Text("身份核验", "identity check"),
    "security": Text("安全检查", "security check"),
    "phone": Text("寄存手机等物品", "handing in the phone"),
    "rules": Text("告知规定", "telling the rules"),
    "letter": Text("签署承诺书", "signing the letter"),
}

SIDES = {"prison": Text("监所一方", "Prison side"), "visitor": Text("会见人一方", "Visitor side")}

BARS = {
    "suspended": Text(
        "{name}：已暂停会见，{until} 起恢复（{article}）", "{name}: visits are suspended until {until} ({article})"
    ),
    "forfeited": Text(
        "{name}：{until} 前不再安排会见（{article}）", "{name}: no further visit before {until} ({article})"
    ),
}
"""What stands against a listed person, for officers only."""

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

_ADVICE = {
    "attention": Text("，请确认在岗", ""),
    "too_small": Text("，请放大或减少同屏场数", ""),
}
"""What an officer can do, after the words that the recording has of it, too."""
WHY = {
    code: Text(words.zh + _ADVICE.get(code, Text("", "")).zh, words.en + _ADVICE.get(code, Text("", "")).en)
    for code, words in ABSENCES.items()
}

ALERTS = {
    "quorum_at_risk_unanswered": Text(
        "监督人数即将不足：有人尚未确认在岗", "The quorum is about to fail: a supervisor has not answered"
    ),
    "quorum_at_risk_thin": Text(
        "管理员只剩最低人数：再少一人即中止",
        "Only as many supervisors as are needed are left",
    ),
    "quorum_at_risk_lost": Text("在岗管理员不足", "Too few supervisors are watching"),
    "room_lost": Text("会见室线路中断", "The line of the room is broken"),
    "room_lost_receiving": Text("会见室收不到对方画面", "The room no longer receives the far room"),
    "recorder_lost": Text("录制中断", "Recording is interrupted"),
    "recorder_lagging": Text("录制有丢失", "The recorder loses some of it"),
    "recorder_film": Text("录像无法播放", "What is recorded could not be played"),
    "recorder_disk": Text("录像存储空间不足", "Little room is left for recordings"),
    "clock": Text(
        "本机时钟被改动 {count} 秒，会见仍按原时间进行，请系统管理员核对时钟",
        "This machine's clock was moved by {count} s; visits go on by the time before. An admin should compare it",
    ),
    "eligibility": Text(
        "所列人员已被暂停或不再安排会见，请管理员依规决定",
        "A listed person may no longer meet; an officer decides under the rules",
    ),
    "black": Text("画面全黑", "The picture is black"),
    "frozen": Text("画面静止不动", "The picture is frozen"),
    "silent": Text("长时间没有声音", "No sound for a long time"),
    "heads": Text(
        "画面中约 {count} 人，已核验入场 {listed} 人", "About {count} people in the picture, {listed} checked in"
    ),
    "one_minute": Text("会见还剩一分钟", "One minute left"),
    "five_minutes": Text("会见还剩五分钟", "Five minutes left"),
}

ALERTS |= {
    f"drill_{step}": Text(f"当日演练未通过：{words.zh}", f"The day's drill failed: {words.en}")
    for step, words in DRILL_STEPS.items()
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


KEPT = {
    "held": Text("证据保全中", "held as evidence"),
    "not_due": Text("按现行规则须继续保存", "kept longer by today's policy"),
    "undated": Text("没有到期日期", "without a due date"),
    "unfinished": Text("尚未归档完毕", "not finished"),
    "clock_back": Text("系统时钟不可信", "the clock is not trusted"),
    "wrong_clock": Text("录制时时钟有误", "made with a wrong clock"),
    "broken_chain": Text("所属单位的链不完整，请先验证", "the chain of its site is not whole: verify first"),
}
"""Why a recording stays although its date has come."""
NOT_DELETED = {
    "OSError": Text("文件正在使用或磁盘读写出错", "its files are in use, or the disk failed"),
    "NotDue": Text("签名记录表明尚未到期", "a signed record says that it is not due"),
    "Held": KEPT["held"],
    "Unproven": Text("没有签名记录能证明已到期", "nothing signed proves that it may be deleted"),
    "BrokenSiteChain": KEPT["broken_chain"],
    "KeyProblem": Text("签名密钥无法读取", "the signing key cannot be read"),
    "StorageUnavailable": Text("数据库暂不可用", "the database did not answer"),
}
"""Why the deletion of a recording failed, by the kind of error; the next purge tries it again."""
NOT_DELETED_FAULT = Text("未能销毁，详情见服务日志", "it could not be deleted; the service's log says more")
CHAIN_BROKEN = Text("链被改动或截断，请先验证该单位档案", "it was changed or cut off: verify the archive of the site")


def text_of_failure(why: str) -> Text:
    """Return the text for a deletion that failed, by the kind of error before the colon."""
    kind = why.partition(":")[0]
    if "chain" in kind:  # "the chain of the site: …", "its chain does not hold the stored head: …"
        return CHAIN_BROKEN
    return NOT_DELETED.get(kind, NOT_DELETED_FAULT)


def text_of(table: dict[str, Text], code: str, between_inmates: bool = False) -> Text:
    """Return the text for a code, or the code itself. `between_inmates`: both sides are prisons."""
    if not between_inmates:
        return table.get(code, Text(code, code))
    text = BETWEEN_INMATES.get(code) or table.get(code, Text(code, code))
    return Text(text.zh.replace("会见人一方", "另一方监所"), text.en.replace("visitors'", "second prison's"))


def language_name(tag: str) -> Text:
    """Return the name of a language tag: `zh-yue` by its dialect, `bo-CN` by its language, an unknown one by itself."""
    first, *rest = tag.lower().split("-")
    name = next((LANGUAGES[part] for part in (*rest, first) if part in LANGUAGES), Text(tag, tag))
    if name is LANGUAGES["zh"] and spoken_as(tag) is Spoken.DIALECT:
        return Text(f"汉语方言（{tag}）", f"Chinese dialect ({tag})")
    return name


ADVICE: Mapping[str, Text] = {
    "camera": Text("检查摄像头是否插好并选用更高分辨率", "Plug the camera in, and let it give a larger picture"),
    "black": Text("打开镜头盖、开灯，再检测", "Uncover the lens, switch the light on, and test again"),
    "frozen": Text("画面不动：重新插拔摄像头", "The picture stands still: unplug the camera and plug it in again"),
    "blurred": Text("擦拭镜头并调焦", "Wipe the lens and focus it"),
    "backlit": Text("拉上窗帘，或让座位不背对光源", "Draw the curtain, or turn the seat away from the light"),
    "microphone": Text("检查话筒是否插好、未静音", "Plug the microphone in, and unmute it"),
    "clipped": Text("调低话筒音量", "Turn the microphone down"),
    "hum": Text("有交流声：检查话筒线和接地", "The mains hum: look at the microphone's cable and grounding"),
    "speaker": Text("话筒未听到扬声器：检查扬声器和音量", "The microphone hears no loudspeaker: turn it on and up"),
    "network": Text("服务器应答太慢：检查网线", "The server answers late: look at the network cable"),
    "line": Text("线路质量不足：停用其他下载，报告网络管理员", "The line is weak: stop downloads, call network staff"),
    "clock": Text("校准终端时钟（NTP）", "Set the terminal's clock (NTP)"),
    "disk": Text("清理终端磁盘", "Make room on the terminal's disk"),
    "temperature": Text("终端过热：检查通风", "The terminal is too hot: look at its vents"),
}
"""What to do about a check that failed."""
FIGURE_UNITS: Mapping[str, tuple[str, float, int]] = {
    "width": ("px", 1, 0),
    "rate": ("fps", 1, 1),
    "luma": ("Y", 1, 0),
    "black": ("%", 100, 0),
    "change": ("Δ", 1, 2),
    "blur": ("px", 1, 1),
    "backlight": ("×", 1, 1),
    "level": ("dBFS", 1, 0),
    "clipped": ("%", 100, 1),
    "hum": ("dBFS", 1, 0),
    "sweep": ("dB", 1, 0),
    "delay": ("ms", 1, 0),
    "answer": ("ms", 1, 0),
    "loss_up": ("% ↑", 100, 1),
    "loss_down": ("% ↓", 100, 1),
    "jitter": ("ms ±", 1, 0),
    "round_trip": ("ms ⇄", 1, 0),
    "up": ("kbit/s ↑", 1, 0),
    "down": ("kbit/s ↓", 1, 0),
    "clock": ("ms", 1, 0),
    "disk": ("MB", 1, 0),
    "temperature": ("°C", 1, 0),
}
"""Unit, factor and decimals of each figure: the same in both languages."""

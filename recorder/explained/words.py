"""The words of an explained recording in Chinese and English, in one place: the player, the printed timeline and the
cover sheet say the same."""

from typing import NamedTuple

from config.articles.citations import cited


class Words(NamedTuple):
    """A text in both languages."""

    zh: str
    en: str


SIDES = {
    "prison": Words("监所一方", "The prison's side"),
    "visitor": Words("会见人一方", "The visitors' side"),
    "both": Words("双方", "Both sides"),
}
CAUSES = {
    "before": Words("会见尚未开始", "the visit had not begun"),
    "not_begun": Words("会见室尚未发送音视频", "the room had not begun to send"),
    "line": Words("线路中断或丢包", "the line was interrupted or lost packets"),
    "reconnect": Words("终端重新连接", "the terminal connected anew"),
    "camera": Words("摄像头未送出画面", "the camera gave no picture"),
    "microphone": Words("话筒未送出声音", "the microphone gave no sound"),
    "film": Words("画面无法解码", "the picture could not be decoded"),
    "relay": Words("转发服务中断", "the relay was interrupted"),
    "recorder": Words("录制服务中断", "the recorder was interrupted"),
    "sign_language": Words("手语会见，没有声音属正常", "the visit was in sign language, in which silence is usual"),
    "hold": Words("会见中止", "the visit was held"),
    "mute": Words("管理员静音", "an officer muted it"),
    "talkback": Words("管理员插话", "an officer spoke to the rooms"),
    "absent": Words("有管理员未计入在岗", "an officer did not count as present"),
    "shut": Words("闸门关闭", "the gate was shut"),
    "unknown": Words("原因不明", "the cause is not known"),
}
HOLDS = {
    "supervisor": Words("管理员中止会见", "held by an officer"),
    "quorum_lost": Words("管理员不足", "too few officers watched"),
    "recorder_lost": Words("录制异常", "recording was interrupted"),
    "room_lost": Words("会见室线路中断", "the line of a room broke"),
    "film_unusable": Words("录像无法播放", "what was recorded could not be played"),
    "taken_up": Words("系统恢复中", "the system was recovering"),
    "storage_lost": Words("数据库无法写入", "the database could not be written"),
    "relay_lost": Words("转发服务中断", "the relay was interrupted"),
    "unknown": Words("原因不明", "the cause is not known"),
}
ABSENCES = {
    "attention": Words("在岗确认超时", "An attention check is not answered"),
    "no_page": Words("未通过监督页面观看", "Not watching through the monitor page"),
    "page_silent": Words("监督页面没有响应", "The page does not answer"),
    "hidden": Words("监督页面不在前台", "The page is not in front"),
    "not_receiving": Words("未收到双方画面和声音", "Picture and sound of both sides do not arrive"),
    "not_shown": Words("画面已暂停或未显示", "A picture is paused or not shown"),
    "too_small": Words("画面过小（至少 160×90）", "A picture is too small (160×90 at least)"),
    "covered": Words("画面被遮挡或不在窗口可见范围内", "A picture is covered, or outside the window"),
    "not_chosen": Words("未选择在这一场值守", "Not on duty for this visit"),
    "too_many": Words("已超过一人可同时监督的场数", "More visits than one officer may supervise"),
}
"""Why an officer is not present, by the codes of presence. The monitor page has the same words."""
MISSING = {
    "picture": Words("没有画面", "no picture"),
    "sound": Words("没有声音", "no sound"),
    "both": Words("没有画面和声音", "no picture and no sound"),
    "none": Words("", ""),
}
"""What the film lacks of a side."""
CROSSED = {
    "nothing": Words("期间画面和声音均未传给对方", "meanwhile neither picture nor sound crossed"),
    "sound": Words("期间仅声音传给对方", "meanwhile only the sound crossed"),
    "picture": Words("期间仅画面传给对方", "meanwhile only the picture crossed"),
    "everything": Words("期间画面和声音照常传给对方", "meanwhile picture and sound crossed as usual"),
    "partly": Words("期间画面和声音仅部分时段传给对方", "meanwhile picture and sound crossed for a part of the time"),
    "unrecorded": Words(
        "期间传给对方的内容可能未被录下", "meanwhile picture or sound may have crossed that is not recorded"
    ),
}

NOTHING_MISSING = Words(
    "录像没有缺失，会见没有中断。", "Nothing is missing in the recording, and nothing was interrupted."
)
NOT_EXPLAINED = Words(
    "录像的时间线或清单无法读取，不能说明缺失。",
    "The timeline or the manifest of the recording cannot be read, so that nothing can be explained.",
)


def hold_words(reason: str, article: str) -> Words:
    """Return why a visit was held, with the article where an officer named one."""
    text, ground = HOLDS.get(reason, Words(reason, reason)), article_words(article)
    return Words(f"{text.zh}（{ground.zh}）", f"{text.en} ({ground.en})") if ground else text


def article_words(code: str) -> Words | None:
    """Return an article as officers say it; the code itself where it stands in no article, None where there is none."""
    citation = cited(code)
    return Words(citation.zh or code, citation.en or code) if code else None


def absence_words(codes: object) -> Words:
    """Return why an officer was not present, all reasons of a list of codes in one text."""
    listed = [str(code) for code in codes] if isinstance(codes, list) else []
    texts = [ABSENCES.get(code, Words(code, code)) for code in listed] or [CAUSES["unknown"]]
    return Words("、".join(text.zh for text in texts), "; ".join(text.en[:1].lower() + text.en[1:] for text in texts))


def sentence(side: str, cause: str, missing: str, crossed: str, more: Words | None = None) -> Words:
    """Return one sentence: of which side what is missing, why, and what crossed meanwhile."""
    whom, why, what, over = SIDES[side], CAUSES.get(cause, CAUSES["unknown"]), MISSING[missing], CROSSED[crossed]
    reason_zh = f"{why.zh}（{more.zh}）" if more else why.zh
    reason_en = f"{why.en} ({more.en})" if more else why.en
    zh = f"{whom.zh}{what.zh}：{reason_zh}；{over.zh}" if what.zh else f"{whom.zh}：{reason_zh}；{over.zh}"
    en = f"{whom.en}, {what.en}: {reason_en}; {over.en}" if what.en else f"{whom.en}: {reason_en}; {over.en}"
    return Words(f"{zh}。", f"{en}.")

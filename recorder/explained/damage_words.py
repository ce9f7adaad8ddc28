"""The words for what the verification of a recording finds, in Chinese and English."""

from pathlib import PurePath

from recorder.explained.words import Words

FILES = {
    "session.mp4": Words("录像原件", "the film"),
    "timeline.jsonl": Words("时间线", "the timeline"),
    "hashes.jsonl": Words("逐片段散列", "the hashes of the pieces"),
    "manifest.json": Words("清单", "the manifest"),
    "chain.jsonl": Words("单位链", "the chain of the site"),
    "view.mp4": Words("合成副本", "the view copy"),
    "poster.jpg": Words("缩略图", "the poster"),
    "activity.json": Words("说话时段", "the stretches of speech"),
    "seal.json": Words("副本的签名", "the seal of the copies"),
}
KINDS = {
    "missing": Words("缺失", "is missing"),
    "added": Words("系后来加入", "was added later"),
    "changed": Words("内容被改动", "was changed"),
    "truncated": Words("被截短", "was cut short"),
    "unreadable": Words("无法读取", "cannot be read"),
    "chain": Words("与录制时记下的片段链不符", "does not match the chain of its pieces"),
    "tracks": Words("音视频轨道与清单不符", "has other tracks than the manifest lists"),
    "manifest": Words("无法读取或格式不对", "cannot be read or is malformed"),
    "signature": Words("签名不符", "has a signature that does not match"),
    "key": Words("公钥不可信或无法读取", "is a key that is not trusted or cannot be read"),
    "coverage": Words("在岗情况与时间线不符", "has a coverage that is not that of the timeline"),
    "rules": Words("须知确认与时间线不符或缺一方", "lacks an acknowledgement, or has others than the timeline"),
    "misplaced": Words("放在了另一次会见的位置", "lies in the place of another visit"),
    "removed": Words("被整体删去", "was taken away whole"),
    "not_found": Words("找不到录像", "was not found"),
}
SOUND = Words(
    "验证通过：签名、散列、片段链和单位链均相符，录像自封存以来未被改动。",
    "Sound: signature, hashes and chains match; the recording was not changed since it was sealed.",
)
RUNNING = Words("正在验证。", "Being verified.")
FAILED = Words(
    "验证未能完成，请重试或告知系统管理员。",
    "It could not be verified to the end; try again, or tell the administrator.",
)


def damaged(count: int) -> Words:
    """Return the result of a recording in which so much was found."""
    return Words(
        f"验证未通过：发现 {count} 处问题，请保全录像并告知系统管理员。",
        f"Damaged: {count} findings; hold the recording as evidence and tell the administrator.",
    )


def finding(kind: str, file: str, second: float | None) -> Words:
    """Return one finding as a sentence: which file, what is wrong with it, and at which second."""
    name = PurePath(file).name
    label = FILES.get(name, Words(name, name))
    what = KINDS.get(kind, Words(f"异常（{kind}）", f"is not as written ({kind})"))
    at = Words(f"（第 {second:g} 秒起）", f" (from second {second:g})") if second is not None else Words("", "")
    return Words(f"{label.zh}{what.zh}{at.zh}。", f"{label.en[:1].upper()}{label.en[1:]} {what.en}{at.en}.")

"""Texts of the officer's screen that follow from facts, Chinese and English. Those of buttons and headings that never
change are in `kiosk_agent/web/officer/words.js`."""

from kiosk_agent.room.words import Words

NO_PIN = Words(
    "本终端未设置口令，请系统管理员在本机执行 huijian kiosk pin。",
    "No PIN is set. An administrator sets it on this machine: huijian kiosk pin.",
)
PIN_FILE = Words(
    "口令文件无法读取，请检查其属主和权限（0600）。",
    "The file of the PIN cannot be read. Check its owner and mode (0600).",
)
WAIT = Words("错误次数过多，请等待。", "Too many wrong PINs. Please wait.")
NO_COUNT = Words(
    "无法记录尝试次数（磁盘已满？），因此不能核对口令。",
    "The attempt cannot be noted (is the disk full?), so no PIN is looked at.",
)
NOT_KEPT = Words("已生效，但未能保存到磁盘。", "It applies, but could not be written to the disk.")
TEST_BEGINS = Words("开始检测设备。", "The equipment test begins.")
TEST_WAITS = Words("房间内正在会见，结束后再检测。", "People meet in the room. The test runs afterwards.")
RESTARTING = Words("正在重新启动终端程序。", "The program of the terminal starts again.")
IN_VISIT = Words("会见进行中，只能调节音量。", "A visit is on: only the volume can be changed.")
EXPORT_FAILED = {
    "none": Words("没有找到可写入的 U 盘。", "No USB stick was found that can be written to."),
    "no_room": Words("U 盘空间不足。", "The stick has not enough room."),
    "gone": Words("写入 U 盘失败，请检查后重试。", "The stick could not be written to. Check it and try again."),
    "there": Words("同名文件已存在，请稍后再试。", "There is a file of that name. Try again in a moment."),
}

VERSIONS = Words("版本", "Versions")
IDENTITY = Words("身份", "Identity")
CONNECTION = Words("连接", "Connection")
LINE = Words("线路", "Line")
MACHINE = Words("本机", "This machine")

AGENT = Words("终端程序", "Agent")
BROWSER = Words("浏览器", "Browser")
SYSTEM = Words("操作系统", "System")
STARTED = Words("启动于", "Started at")
TERMINAL = Words("终端编号", "Terminal id")
ROOM = Words("会见室", "Room")
KEY = Words("密钥", "Key")
SERVER = Words("服务器", "Server")
PAGE = Words("页面", "Page")
STATE = Words("状态", "State")
UNKNOWN = Words("未知", "unknown")
NONE = Words("无", "none")

KEYS = {"file": Words("身份文件", "identity file"), "tpm": Words("安全芯片（TPM）", "TPM")}
ONLINE = Words("已连接", "connected")
OFFLINE = Words("未连接", "not connected")
GOOD = Words("正常", "good")

FIGURES: dict[str, tuple[Words, str]] = {
    "answer": (Words("应答时间", "Answer time"), "ms"),
    "clock": (Words("时钟偏差", "Clock offset"), "s"),
    "loss_up": (Words("上行丢包", "Loss up"), "%"),
    "loss_down": (Words("下行丢包", "Loss down"), "%"),
    "jitter": (Words("抖动", "Jitter"), "ms"),
    "round_trip": (Words("往返时间", "Round trip"), "ms"),
    "up": (Words("上行可用", "Usable up"), "kbit/s"),
    "down": (Words("下行可用", "Usable down"), "kbit/s"),
    "disk": (Words("磁盘空闲", "Free disk"), "MB"),
    "temperature": (Words("温度", "Temperature"), "°C"),
    "width": (Words("画面宽度", "Picture width"), "px"),
    "rate": (Words("画面帧率", "Picture rate"), "/s"),
    "luma": (Words("亮度", "Brightness"), ""),
    "level": (Words("话筒电平", "Microphone level"), "dB"),
    "sweep": (Words("扬声器测试音", "Loudspeaker sweep"), "dB"),
}
"""Name and unit of the figures that are shown."""
ON_LINE = ("answer", "loss_up", "loss_down", "jitter", "round_trip", "up", "down")
OF_MACHINE = ("disk", "temperature", "clock")
OF_DEVICES = ("width", "rate", "luma", "level", "sweep")
PARTS = {
    "camera": Words("摄像头", "camera"),
    "microphone": Words("麦克风", "microphone"),
    "speaker": Words("扬声器", "loudspeaker"),
    "network": Words("网络", "network"),
    "black": Words("画面全黑", "black picture"),
    "frozen": Words("画面静止", "frozen picture"),
    "blurred": Words("画面模糊", "blurred picture"),
    "backlit": Words("逆光", "against the light"),
    "clipped": Words("声音过载", "clipped sound"),
    "hum": Words("交流声", "hum"),
    "line": Words("线路", "line"),
    "clock": Words("时钟", "clock"),
    "disk": Words("磁盘", "disk"),
    "temperature": Words("温度", "temperature"),
}
"""Parts and checks that may have failed."""
FAILED = Words("不正常：", "not working: ")
PASSED = Words("各项可用", "all parts work")


def exported(name: str, sha256: str) -> Words:
    """Return what to say of a file that was written, with the beginning of its hash."""
    mark = sha256[:16]
    return Words(
        f"已导出 {name}。SHA-256 前 16 位：{mark}。现在可以拔出 U 盘。",
        f"{name} was written. Its SHA-256 begins with {mark}. You may take the stick out.",
    )


def wrong(left: int) -> Words:
    """Return what to say of a wrong PIN, after which so many attempts are free."""
    if left == 0:
        return WAIT
    return Words(f"口令不正确，还可以试 {left} 次。", f"This PIN is wrong. {left} more may be tried.")

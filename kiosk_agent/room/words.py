"""Texts of the room's screens, Chinese and English. The words of buttons and meters, which no fact of a visit changes,
are in `kiosk_agent/web/words.js`."""

import msgspec


class Words(msgspec.Struct, frozen=True):
    """One text in both languages."""

    zh: str
    en: str


PREPARING = Words("正在准备", "Getting ready")
OUT_OF_SERVICE = Words("本终端暂停使用", "This terminal is out of service")
ASK_STAFF = Words("请联系工作人员。", "Please tell the staff.")

CONNECTING = Words("正在连接会见系统，请稍候。", "Connecting to the visiting system. Please wait.")
TESTING = Words("正在检测摄像头、麦克风和网络，请稍候。", "Testing camera, microphone and network. Please wait.")
NO_SERVER = Words(
    "与会见系统的连接中断，正在自动重连，无需操作。",
    "The connection to the visiting system is lost. It is being restored by itself.",
)
FAILED_TEST = Words("设备检测没有通过，稍后自动再次检测。", "An equipment test failed. It runs again by itself.")

FAILED = {
    "camera": Words(
        "摄像头没有画面：请检查镜头是否被遮挡、接线是否松动。",
        "The camera gives no picture: is the lens covered, is the cable loose?",
    ),
    "microphone": Words("麦克风没有声音：请检查开关和接线。", "The microphone is silent: check its switch and cable."),
    "speaker": Words("扬声器不能播放：请检查电源和接线。", "The loudspeaker does not play: check power and cable."),
    "network": Words("不能连接会见系统：请检查网络。", "The visiting system does not answer: check the network."),
}
"""What to look at when a part of the equipment test has failed."""

IDLE = Words("当前没有会见", "No visit at present")
IDLE_NEXT = Words("下一场会见", "Next visit")

SEAT = Words("请就座", "Please take your seats")
SEAT_HOW = Words(
    "请坐在画面的虚线框内，面向屏幕。轻声说几句话，看音量条是否跳动。",
    "Sit inside the frame and face the screen. Say a few words and see whether the meter moves.",
)
WAITING = Words("请稍候，会见即将开始", "Please wait, the visit will begin soon")
WAITING_NOTHING = Words("一切就绪，正在接通对方会见室。", "Everything is ready. The other room is being connected.")

LIVE = Words("会见进行中，全程录音录像", "The visit is on. It is supervised and recorded.")
HELD = Words("会见中止", "The visit is on hold")
HELD_WAIT = Words(
    "对方现在看不到也听不到您。请留在座位上，等候工作人员。",
    "The other room does not see or hear you now. Please stay seated and wait for the staff.",
)
RECONNECTING = Words(
    "网络中断，正在恢复，请留在座位上。", "The network was interrupted and is being restored. Please stay seated."
)

DRILL = Words("演练 / Drill", "Drill / 演练")
DRILL_LINES = (
    Words(
        "系统正在试用本室设备和线路，约一分钟，无需操作。",
        "The system is trying this room and its line, for about a minute.",
    ),
    Words("现在没有会见，请勿就座。", "There is no visit now. Please do not take a seat."),
)
DRILL_OVER = (Words("演练结束，结果在工作人员页面上。", "The drill is over. The staff have its result."),)

SPARE = Words("备用终端", "A spare terminal")
SPARE_WAITS = Words(
    "本终端现不用于任何会见室。需要接替会见室时，请审批人员办理。",
    "This terminal acts for no room now. An approver can let it act for one.",
)

ENDED = Words("会见已结束", "The visit has ended")
THANKS = Words("感谢您的配合。", "Thank you.")
NEXT_PRISON = Words("请留在座位上，等候工作人员带领。", "Please stay seated. The staff will accompany you.")
NEXT_VISITOR = Words(
    "请带好随身物品，到办理台取回寄存物品并签退。",
    "Please take your belongings, collect what you handed in at the desk, and sign out.",
)
NO_PICTURE = Words("正在接收对方画面", "Waiting for the other room's picture")

TALKBACK = Words("工作人员正在讲话，请注意收听", "An officer is speaking to you. Please listen.")
MUTED = {
    frozenset({"near"}): Words("对方暂时听不到您的声音", "The other room cannot hear you for now"),
    frozenset({"far"}): Words("对方的声音已被关闭", "The other room's sound is off"),
    frozenset({"near", "far"}): Words("双方声音已被关闭", "The sound of both rooms is off"),
}

FAREWELL_WAITS = Words(
    "本方已提出会见完毕，等待对方确认。", "You have said that you have finished. The other side is asked."
)
FAREWELL_STAFF = Words("管理员已为本方提出会见完毕。", "An officer has said that your side has finished.")
FAREWELL_FAR = Words(
    "对方已提出会见完毕。如已谈完，请按“会见完毕”。", "The other side has finished. If you have, too, press the button."
)

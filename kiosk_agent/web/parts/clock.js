/** Date and time as the rooms use them: by the clock of Shanghai, wherever the machine believes to be. */
import { settings } from "../settings.js";

const ZONE = "Asia/Shanghai";

export function timeOf(moment) {
  return new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", hour12: false })
    .format(moment);
}

export function dateOf(moment) {
  const locale = settings.language === "zh" ? "zh-CN" : "en-GB";
  return new Intl.DateTimeFormat(locale, { timeZone: ZONE, dateStyle: "full" }).format(moment);
}

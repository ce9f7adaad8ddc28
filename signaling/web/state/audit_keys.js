/**
 * The keys of the auditors' player, in one table that the keyboard obeys and the help shows. They are those of common
 * players: J, K and L, comma and period by frames, digits for tenths of the film.
 */
export const AUDIT_KEYS = [
  { keys: [" ", "K"], shown: "␣  K", words: "audit_key_play", act: "play" },
  { keys: ["ArrowLeft", "ArrowRight"], shown: "← →", words: "audit_key_arrows", act: "arrow", repeats: true },
  { keys: ["J", "L"], shown: "J  L", words: "audit_key_jl", act: "jump", repeats: true },
  { keys: [",", ".", "，", "。"], shown: ",  .", words: "audit_key_frame", act: "frame", repeats: true },
  { keys: ["-", "+", "="], shown: "−  +", words: "audit_key_speed", act: "speed" },
  { keys: [..."0123456789"], shown: "0 – 9", words: "audit_key_tenths", act: "tenth" },
  { keys: ["[", "]", "【", "】"], shown: "[  ]", words: "audit_key_event", act: "event" },
  { keys: ["S"], words: "audit_key_sound", act: "sound" },
  { keys: ["N"], words: "audit_key_mark", act: "mark" },
  { keys: ["F"], words: "audit_key_full", act: "full" },
  { keys: ["Escape"], shown: "Esc", words: "audit_key_back", act: "back" },
  { keys: ["?", "？"], shown: "?", words: "audit_key_help", act: "help" },
];

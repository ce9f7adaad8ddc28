// The page: takes files that are dragged or chosen, checks them, and shows the result.

import { checkPackage } from "./checks.js";
import { supported } from "./signatures.js";
import { WORDS, sentence } from "./words.js";
import { filesIn } from "./zip.js";

const $ = (id) => document.getElementById(id);
let language = "zh";
let last = null; // the result that is shown
let checks = 0; // the number of the newest check; older ones say no more

const ID = /^(?:[0-9a-f]{16}|[0-9a-f]{64})$/;

function words() {
  return WORDS[language];
}

function translate() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = words().title;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = words()[node.dataset.text];
  if (last !== null) show(last);
}

// ---- files ----------------------------------------------------------------------------------------------------------

// Files and folders are read by handles where the browser has them: Chromium gives no file of an entry to a page that
// was opened from the disk. What a drag holds is gone after the event, so that all is asked for before the first wait.
async function dropped(transfer) {
  const files = chosen(transfer.files);
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const handles = items.map((item) => item.getAsFileSystemHandle?.().catch(() => null));
  const entries = items.map((item) => item.webkitGetAsEntry?.());
  const found = new Map();
  for (const [at, handle] of (await Promise.all(handles)).entries()) {
    if (handle) await readHandle(handle, "", found);
    else if (entries[at]) await readEntry(entries[at], "", found);
  }
  return found.size > 0 ? found : files;
}

async function readHandle(handle, path, found) {
  if (handle.kind === "file") {
    found.set(path + handle.name, await handle.getFile());
    return;
  }
  for await (const inner of handle.values()) await readHandle(inner, `${path}${handle.name}/`, found);
}

async function readEntry(entry, path, found) {
  if (entry.isFile) {
    found.set(path + entry.name, await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const inner of some) await readEntry(inner, `${path}${entry.name}/`, found);
  }
}

function chosen(list) {
  return new Map([...list].map((file) => [file.webkitRelativePath || file.name, file]));
}

// Return the files of the package by their paths below its folder; a ZIP is opened. Throws a text of WORDS.
async function packageOf(files) {
  const zips = [...files.values()].filter((file) => file.name.toLowerCase().endsWith(".zip"));
  if (zips.length === 1 && files.size === 1) {
    try {
      files = await filesIn(zips[0]);
    } catch (error) {
      throw new Error(error.message === "mixedZip" ? "mixedZip" : "badZip");
    }
  }
  const indices = [...files.keys()].filter((path) => path === "export.json" || path.endsWith("/export.json"));
  if (indices.length === 0) {
    const folders = new Set([...files.keys()].map((path) => path.split("/")[0]));
    if (folders.size !== 1 || ![...files.keys()].some((path) => path.endsWith("/manifest.json"))) {
      throw new Error("noPackage");
    }
    return below(files, `${[...folders][0]}/`);
  }
  const root = indices.sort((a, b) => a.length - b.length)[0].slice(0, -"export.json".length);
  return below(files, root);
}

// Paths as seen from the folder `root`: what lies beside it begins with "../", and is reported as added.
function below(files, root) {
  const folders = root.split("/").slice(0, -1);
  const seen = (path) => {
    const names = path.split("/");
    const apart = folders.findIndex((folder, at) => names[at] !== folder);
    const shared = apart < 0 ? folders.length : apart;
    return "../".repeat(folders.length - shared) + names.slice(shared).join("/");
  };
  return new Map([...files].map(([path, file]) => [seen(path), file]));
}

// ---- the check ------------------------------------------------------------------------------------------------------

async function check(reading) {
  checks += 1;
  const number = checks;
  last = null;
  $("result").hidden = true;
  $("progress").hidden = false;
  $("state").textContent = words().working;
  $("state").className = "";
  $("bar").value = 0;
  try {
    const inside = await packageOf(await reading);
    const total = Math.max([...inside.values()].reduce((sum, file) => sum + file.size, 0), 1);
    let done = 0;
    const found = await checkPackage(inside, (count) => {
      done += count;
      if (number === checks) $("bar").value = Math.min(done / total, 1);
    });
    const result = { ...found, files: inside.size, bytes: total, supported: await supported() };
    if (number !== checks) return;
    last = result;
    show(last);
  } catch (error) {
    if (number !== checks) return;
    $("state").textContent = words()[error.message] ?? words().failed;
    $("state").className = "damaged";
    window.checked = { error: error.message };
  }
  $("progress").hidden = true;
}

function show(result) {
  const text = words();
  const other = result.index?.get("signature")?.get?.("algorithm");
  const wrongKey = typed() !== null && !fromTyped(result.signers);
  const sound = result.findings.length === 0 && result.supported && !wrongKey;
  $("state").className = sound ? "whole" : "damaged";
  if (!result.supported) $("state").textContent = text.unsupported;
  else if (other !== undefined && other !== "Ed25519") $("state").textContent = text.otherAlgorithm;
  else if (wrongKey) $("state").textContent = text.originWrong;
  else $("state").textContent = sound ? text.whole : text.damaged(result.findings.length);
  const notes = [text.checked(result.files, size(result.bytes)), origin(result)];
  if (result.index !== null && !result.index.get("chain").get("complete")) notes.push(text.notIncluded);
  if (result.index?.get("damages").length) notes.push(text.before(result.index.get("damages").length));
  $("notes").replaceChildren(...notes.map((note) => element("li", note)));
  $("facts").replaceChildren(...facts(result).flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  $("rows").replaceChildren(...result.findings.map(row));
  $("findings").hidden = result.findings.length === 0;
  $("result").hidden = false;
  window.checked = { sound, findings: result.findings };
}

function row(finding) {
  const { file, kind } = sentence(finding, language);
  const line = document.createElement("tr");
  const place = finding.second === null ? "" : words().at(finding.second);
  line.append(element("td", file), element("td", place), element("td", kind));
  return line;
}

function facts({ index, manifest, keys, packProved }) {
  const text = words();
  const of = (value, ...names) => names.reduce((inner, name) => inner?.get?.(name), value) ?? "—";
  const pack = `${of(manifest, "policy", "name")} ${of(manifest, "policy", "version")}`;
  return [
    [text.session, of(manifest ?? index, "session")],
    [text.site, of(manifest ?? index, "site")],
    [text.started, time(of(manifest, "started_at"))],
    [text.ended, time(of(manifest, "ended_at"))],
    [text.due, time(of(manifest, "due_at"))],
    [text.pack, pack + (packProved ? text.packText : "")],
    [text.receiver, of(index, "receiver")],
    [text.reason, of(index, "reason")],
    [text.by, `${of(index, "requested_by", "name")} / ${of(index, "approved_by", "name")}`],
    [text.made, time(of(index, "made_at"))],
    [text.key, keys.map((key) => key.id).join(", ") || "—"],
    [text.head, of(index, "chain", "newest")],
  ];
}

function origin(result) {
  if (typed() === null) return words().origin;
  return fromTyped(result.signers) ? words().originRight : words().originWrong;
}

// The ids that were typed, null where nothing was: several, where keys were exchanged. Full-width digits and signs count as
// plain ones; white space, colons and hyphens may stand inside an id.
function typed() {
  const text = $("known").value.normalize("NFKC").toLowerCase();
  if (text.trim() === "") return null;
  return text.split(/[,;、]/).flatMap((part) => {
    const pieces = part.split(/\s+/).filter(Boolean);
    return pieces.every((piece) => ID.test(piece)) ? pieces : [pieces.join("").replace(/[:-]/g, "")];
  });
}

// Whether all signatures are by keys whose ids were typed. That such a key lies in the package says nothing.
function fromTyped(signers) {
  const ids = typed();
  const right = (key) => ids.includes(key.id) || ids.includes(key.fingerprint);
  return ids.length > 0 && ids.every((id) => ID.test(id)) && signers.length > 0 && signers.every(right);
}

function time(value) {
  const at = new Date(value);
  return Number.isNaN(at.getTime()) ? "—" : at.toLocaleString("zh-CN", { timeZone: "Asia/Shanghai", hour12: false });
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function element(name, text) {
  const node = document.createElement(name);
  node.textContent = shown(text);
  return node;
}

// A text of the package with the code points of what cannot be seen in place of it, as in the timeline: a forger must
// not turn a line around, or hide a part of it.
function shown(text) {
  const named = (sign) => `[U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
  const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffc]/gu;
  return String(text).replace(/[\r\n\t]/g, " ").replace(hidden, named);
}

// ---- events ---------------------------------------------------------------------------------------------------------

for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
  });
}
document.addEventListener("drop", (event) => check(dropped(event.dataTransfer)));
$("zip").addEventListener("change", (event) => check(chosen(event.target.files)));
$("folder").addEventListener("change", (event) => check(chosen(event.target.files)));
$("known").addEventListener("input", () => last !== null && show(last));
$("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  translate();
});
translate();
supported().then((yes) => {
  if (yes) return;
  $("state").textContent = words().unsupported;
  $("state").className = "damaged";
});

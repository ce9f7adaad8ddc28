// The check of a package, the same as recorder/export/check.py: signatures, hashes of files and of their pieces, the chain
// of the fragments, the line in the chain of the site, dates. Each finding names the file, the kind and the second.

import { Num, indented, readObject, sorted } from "./json.js";
import { hashOf, hex } from "./sha256.js";
import { doubt, readKey, utf8 } from "./signatures.js";

const HASH = /^[0-9a-f]{64}$/;
const PATH = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(\/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){0,7}$/;
const FILE = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;
const PLACE = /^archive\/(([a-z0-9][a-z0-9-]{0,62})\/\d{4}\/\d{2}\/\d{2}\/([A-Za-z0-9_-]{1,64}))\//;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?([+-]\d{2}:?\d{2}|Z)$/;
const LINE_KINDS = ["visit", "purge", "hold", "lift", "due", "witness"];
const INDEX = "export.json";
const PACK = "pack.json";

const isText = (value) => typeof value === "string";
const isMap = (value) => value instanceof Map;
const isCount = (value) => value instanceof Num && /^\d+$/.test(value.text);
const isHash = (value) => isText(value) && HASH.test(value);
const isMoment = (value) => isText(value) && MOMENT.test(value) && !Number.isNaN(Date.parse(value));
const isFacts = (value) => isMap(value) && isHash(value.get("sha256")) && isCount(value.get("bytes"));
const isFiles = (pattern) => (value) =>
  isMap(value) && [...value].every(([name, facts]) => pattern.test(name) && isFacts(facts));
const isNull = (value) => value === null || value === undefined;

const IN_INDEX = {
  kind: (value) => value === "export",
  format: isCount,
  export: isText,
  session: isText,
  site: isText,
  recording: (value) => isText(value) && PATH.test(value),
  manifest: isHash,
  made_at: isMoment,
  chain: (value) =>
    isMap(value) && typeof value.get("complete") === "boolean" && isHash(value.get("end")) &&
    isCount(value.get("first")) && isCount(value.get("lines")),
  damages: Array.isArray,
  files: isFiles(PATH),
};

const IN_MANIFEST = {
  session: (value) => isText(value) && /^[A-Za-z0-9_-]{1,64}$/.test(value),
  site: (value) => isText(value) && /^[a-z0-9][a-z0-9-]{0,62}$/.test(value),
  files: isFiles(FILE),
  chain: (value) =>
    isNull(value) ||
    (isMap(value) && isHash(value.get("head")) && isCount(value.get("start")) && isCount(value.get("end"))),
  tracks: (value) => Array.isArray(value) && value.every((track) => isMap(track) && track.has("seconds")),
  gaps: Array.isArray,
  parts: Array.isArray,
  rules: (value) => isNull(value) || isMap(value),
  policy: (value) => isMap(value) && (!value.get("sha256") || isHash(value.get("sha256"))),
  started_at: isMoment,
  ended_at: isMoment,
  due_at: (value) => isNull(value) || isMoment(value),
  previous: (value) => isNull(value) || isMap(value),
};

const IN_LINE = {
  kind: (value) => LINE_KINDS.includes(value),
  session: isText,
  number: (value) => value instanceof Num && /^-?\d+$/.test(value.text),
  manifest: isText,
  before: isText,
  path: (value) => isNull(value) || isText(value),
};

const right = (members, value) => Object.entries(members).every(([name, rule]) => rule(value.get(name)));

// Check a package: a Map of path (below its folder) to Blob. `advance` is called with numbers of bytes.
// Returns { findings: [{ file, kind, detail, second }], keys, signers, index, manifest, packProved }; `signers` are those of
// the keys by which anything in the package is signed; `packProved`: the policy pack is in it and is the one that was frozen.
export async function checkPackage(files, advance = () => {}) {
  const check = new Check(files, advance);
  await check.run();
  const { findings, keys, signers, index, manifest, packProved } = check;
  return { findings, keys: [...keys.values()], signers: [...signers], index, manifest, packProved };
}

class Check {
  constructor(files, advance) {
    Object.assign(this, { files, advance, findings: [], keys: new Map(), signers: new Set(), index: null, manifest: null });
    this.packProved = false;
  }

  add(file, kind, detail = "", second = null) {
    const same = (found) => found.file === file && found.kind === kind && found.second === second;
    if (!this.findings.some((found) => same(found) && found.detail === detail)) {
      this.findings.push({ file, kind, detail, second });
    }
  }

  async run() {
    await this.readKeys();
    await this.readIndex();
    this.place = this.placeOfRecording();
    if (this.place !== null) await this.checkRecording();
    if (this.index !== null) await this.checkFiles();
    if (this.place === null) {
      this.add("archive", "missing", "no recording");
      return;
    }
    await this.checkChain();
    if (this.manifest === null) return;
    this.checkDates();
    await this.checkPack();
  }

  async bytes(path) {
    return new Uint8Array(await this.files.get(path).arrayBuffer());
  }

  async readKeys() {
    for (const path of [...this.files.keys()].filter((name) => name.startsWith("keys/")).sort()) {
      const key = await readKey(path.slice("keys/".length), await this.files.get(path).text());
      if (key === null) this.add(path, "key", "not the key of its name");
      else this.keys.set(key.id, key);
    }
  }

  async readIndex() {
    if (!this.files.has(INDEX)) {
      this.add(INDEX, "missing");
      return;
    }
    const bytes = await this.bytes(INDEX);
    const index = readObject(bytes);
    if (index === null || !right(IN_INDEX, index)) {
      this.add(INDEX, "manifest");
      return;
    }
    this.index = index;
    await this.checkSigned(INDEX, bytes, index);
  }

  async checkSigned(path, bytes, value) {
    if (!same(bytes, utf8.encode(indented(value)))) this.add(path, "changed", "spelling");
    const why = await this.doubt(value);
    if (why) this.add(path, "signature", why);
  }

  // Why the signature in `value` proves nothing, "" where it is genuine; its key is then one of the signers.
  async doubt(value) {
    const why = await doubt(value, this.keys);
    if (!why) {
      const id = value.get("signature").get("key");
      this.signers.add(this.keys.get(id instanceof Num ? id.text : id));
    }
    return why;
  }

  placeOfRecording() {
    const asked = this.index?.get("recording");
    for (const path of [...this.files.keys()].sort()) {
      const match = PLACE.exec(path);
      if (match !== null && (asked === undefined || match[1] === asked)) {
        return { folder: `archive/${match[1]}`, site: match[2], session: match[3] };
      }
    }
    return null;
  }

  inRecording(path) {
    return this.place !== null && path.startsWith(`${this.place.folder}/`);
  }

  // Whether a file is checked with the recording, piece by piece: those that its manifest lists, and itself. Of a manifest
  // that cannot be used, which is reported, all files in its folder count.
  covered(path) {
    if (!this.inRecording(path)) return false;
    const name = path.slice(this.place.folder.length + 1);
    return this.manifest === null || name === "manifest.json" || this.manifest.get("files").has(name);
  }

  async checkFiles() {
    const listed = this.index.get("files");
    for (const [path, facts] of listed) {
      if (this.covered(path)) continue;
      if (!this.files.has(path)) this.add(path, "missing");
      else await this.checkWhole(path, facts);
    }
    for (const path of this.files.keys()) {
      if (!listed.has(path) && path !== INDEX && !this.covered(path)) this.add(path, "added");
    }
  }

  async checkWhole(path, facts) {
    const blob = this.files.get(path);
    const hash = await hashOf(blob, this.advance);
    if (hash === facts.get("sha256") && blob.size === facts.get("bytes").value) return;
    this.add(path, blob.size >= facts.get("bytes").value ? "changed" : "truncated");
  }

  async checkRecording() {
    const path = `${this.place.folder}/manifest.json`;
    if (!this.files.has(path)) {
      this.add(path, "missing");
      return;
    }
    const bytes = await this.bytes(path);
    const hash = hex(await crypto.subtle.digest("SHA-256", bytes));
    if (this.index !== null && this.index.get("manifest") !== hash) this.add(path, "changed", "index");
    const manifest = readObject(bytes);
    if (manifest === null || !right(IN_MANIFEST, manifest)) {
      this.add(path, "manifest");
      return;
    }
    this.manifest = manifest;
    await this.checkSigned(path, bytes, manifest);
    await this.checkParts(manifest);
    if (manifest.get("site") !== this.place.site || manifest.get("session") !== this.place.session) {
      this.add(this.place.folder, "misplaced");
    }
    await this.checkLine(path, hash, manifest);
  }

  async checkParts(manifest) {
    const listed = manifest.get("files");
    const pieces = await this.readPieces(listed);
    for (const [name, facts] of listed) {
      const path = `${this.place.folder}/${name}`;
      if (!this.files.has(path)) this.add(path, "missing");
      else await this.checkPieces(path, facts, pieces.filter((piece) => piece.file === name));
    }
    for (const path of this.files.keys()) {
      const name = this.inRecording(path) ? path.slice(this.place.folder.length + 1) : "manifest.json";
      const old = ["1", "2"].includes(manifest.get("format")?.text) && /^part-.*\.mp4$/.test(name);
      if (name !== "manifest.json" && !listed.has(name) && !old) this.add(path, "added");
    }
    await this.checkFragments(manifest, pieces);
  }

  // The hashes of all pieces; none where the file of hashes itself is changed.
  async readPieces(listed) {
    const path = `${this.place.folder}/hashes.jsonl`;
    const facts = listed.get("hashes.jsonl");
    if (facts === undefined || !this.files.has(path)) return [];
    if ((await hashOf(this.files.get(path))) !== facts.get("sha256")) return [];
    const found = [];
    for (const line of (await this.files.get(path).text()).split("\n")) {
      try {
        const [file, start, bytes, kind, second, sha256] = JSON.parse(line);
        found.push({ file, start, bytes, kind, second, sha256 });
      } catch {
        continue; // the empty end
      }
    }
    return found;
  }

  async checkPieces(path, facts, pieces) {
    const blob = this.files.get(path);
    const size = facts.get("bytes").value;
    const sameSize = blob.size === size;
    let reached = 0;
    for (const piece of pieces) reached = piece.start === reached ? reached + piece.bytes : NaN;
    let broken = [];
    if (sameSize && reached === size && pieces.length > 0) {
      broken = await this.broken(blob, pieces, true);
      if (broken.length === 0) return;
    } else {
      const hash = await hashOf(blob, this.advance);
      if (hash === facts.get("sha256") && sameSize) return;
      broken = await this.broken(blob, pieces, sameSize);
    }
    const kind = blob.size >= size ? "changed" : "truncated";
    for (const piece of broken) this.add(path, kind, `${piece.kind} ${piece.start}+${piece.bytes}`, piece.second);
    if (broken.length === 0) this.add(path, kind);
  }

  // The pieces whose bytes have changed; of a file whose size has changed, only the first.
  async broken(blob, pieces, sameSize) {
    const found = [];
    for (const piece of pieces) {
      const hash = await hashOf(blob.slice(piece.start, piece.start + piece.bytes), this.advance);
      if (hash === piece.sha256) continue;
      found.push(piece);
      if (!sameSize) break;
    }
    return found;
  }

  async checkFragments(manifest, pieces) {
    const chain = manifest.get("chain");
    const path = `${this.place.folder}/session.mp4`;
    if (!manifest.get("files").has("session.mp4") || !this.files.has(path)) return;
    if (isNull(chain) || pieces.length === 0) return;
    let head = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode("huijian fragments 1")));
    let begun = false;
    for (const piece of pieces) {
      if (piece.file !== "session.mp4") continue;
      const moov = piece.kind === "head" && piece.start > 0 && !begun;
      if (!moov && piece.kind !== "fragment") continue;
      begun = true;
      const link = new Uint8Array(64);
      link.set(head);
      link.set(piece.sha256.match(/../g).map((pair) => parseInt(pair, 16)), 32);
      head = new Uint8Array(await crypto.subtle.digest("SHA-256", link));
    }
    if (hex(head) !== chain.get("head")) this.add(path, "chain", "fragments");
  }

  // ---- the chain of the site ----------------------------------------------------------------------------------

  async lines() {
    const path = `archive/${this.place.site}/chain.jsonl`;
    if (!this.files.has(path)) return null;
    const bytes = await this.bytes(path);
    const lines = [];
    let start = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      if (bytes[at] === 10) {
        lines.push(bytes.subarray(start, at));
        start = at + 1;
      }
    }
    return { path, lines, torn: start < bytes.length };
  }

  async checkLine(path, hash, manifest) {
    const chain = await this.lines();
    if (chain === null) return;
    const mark = utf8.encode(JSON.stringify(manifest.get("session")));
    let entered = null;
    for (const [at, line] of chain.lines.entries()) {
      if (!holds(line, mark)) continue;
      const [value, why] = await this.genuine(line);
      if (why) this.add(chain.path, "chain", `line ${this.first() + at}`);
      if (value !== null && value.get("kind") === "visit" && value.get("session") === manifest.get("session")) {
        entered = value;
      }
    }
    if (entered === null) this.add(this.place.folder, "added", "line");
    else if (entered.get("manifest") !== hash) this.add(path, "changed", "line");
    this.entered = entered;
  }

  first() {
    return this.index === null ? 1 : this.index.get("chain").get("first").value;
  }

  // The policy pack is the one whose hash the session froze. Former packages have none.
  async checkPack() {
    const frozen = this.manifest.get("policy").get("sha256");
    if (!frozen || !this.files.has(PACK)) return;
    this.packProved = (await hashOf(this.files.get(PACK))) === frozen;
    if (!this.packProved) this.add(PACK, "frozen_pack");
  }

  async checkChain() {
    const chain = await this.lines();
    if (chain === null) return;
    let before = "";
    for (const [at, line] of chain.lines.entries()) {
      let [value, why] = await this.genuine(line);
      if (!why && before && value.get("before") !== before) why = "order";
      if (why) this.add(chain.path, "chain", `line ${this.first() + at}`);
      before = hex(await crypto.subtle.digest("SHA-256", line));
    }
    if (chain.torn) this.add(chain.path, "added", "torn");
    if (this.index !== null && before && before !== this.index.get("chain").get("end")) this.add(chain.path, "cut");
  }

  // The object in a line, null where it is none of a chain, and what is wrong with it.
  async genuine(line) {
    const value = readObject(line);
    if (value === null || !right(IN_LINE, value)) return [null, "malformed"];
    const words = ["hold", "lift"].includes(value.get("kind")) ? ["hold", "by", "reason"] : [];
    if (!words.every((name) => isText(value.get(name)))) return [null, "malformed"];
    if (!same(line, utf8.encode(sorted(value)))) return [value, "spelling"];
    return [value, await this.doubt(value)];
  }

  checkDates() {
    const path = `${this.place.folder}/manifest.json`;
    const time = (value) => (isMoment(value) ? Date.parse(value) : NaN);
    const ended = time(this.manifest.get("ended_at"));
    if (ended < time(this.manifest.get("started_at"))) this.add(path, "date", "ends before it begins");
    if (!this.entered) return;
    if ((this.entered.get("due_at") ?? null) !== (this.manifest.get("due_at") ?? null)) this.add(path, "date", "due");
    const archived = time(this.entered.get("at"));
    if (archived < ended) this.add(path, "date", "archived before it ended");
    if (this.index !== null && time(this.index.get("made_at")) < archived) {
      this.add(path, "date", "exported before it was archived");
    }
  }
}

function same(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function holds(bytes, mark) {
  for (let at = bytes.indexOf(mark[0]); at >= 0; at = bytes.indexOf(mark[0], at + 1)) {
    if (same(bytes.subarray(at, at + mark.length), mark)) return true;
  }
  return false;
}

// JSON as Python reads and spells it (broker/kernel/canonical_json.py): what is signed is a spelling, and a number such as
// 1.0 must not become 1. Objects become Maps, numbers become Num, so that nothing of a spelling is lost.

export class Num {
  constructor(text) {
    this.text = text;
    this.value = Number(text);
  }

  // As Python's repr: integers digit by digit, floats by their shortest digits, with an exponent from 1e16 and below 1e-4.
  spelled() {
    if (!/[.eE]/.test(this.text)) return this.text === "-0" ? "0" : this.text;
    if (!Number.isFinite(this.value)) return this.value > 0 ? "Infinity" : "-Infinity";
    const sign = this.value < 0 || Object.is(this.value, -0) ? "-" : "";
    const [mantissa, power] = Math.abs(this.value).toExponential().split("e");
    const digits = mantissa.replace(".", "");
    const exponent = Number(power);
    if (exponent >= 16 || exponent < -4) {
      const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
      return `${sign}${digits[0]}${fraction}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
    }
    if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
    const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
    return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
  }
}

const TOKEN = /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)|(true|false|null))/y;
const LITERALS = { true: true, false: false, null: null };

// Return the value in a text. Throws a SyntaxError for what is no JSON.
export function parse(text) {
  TOKEN.lastIndex = 0;
  const next = () => {
    const match = TOKEN.exec(text);
    if (match === null) throw new SyntaxError("no JSON");
    return match;
  };
  const value = (token) => {
    if (token[2] !== undefined) return JSON.parse(token[2]);
    if (token[3] !== undefined) return new Num(token[3]);
    if (token[4] !== undefined) return LITERALS[token[4]];
    if (token[1] === "{") return members();
    if (token[1] === "[") return items();
    throw new SyntaxError("no JSON");
  };
  const members = () => {
    const found = new Map();
    let token = next();
    if (token[1] === "}") return found;
    for (;;) {
      if (token[2] === undefined || next()[1] !== ":") throw new SyntaxError("no JSON");
      found.set(JSON.parse(token[2]), value(next()));
      const end = next()[1];
      if (end === "}") return found;
      if (end !== ",") throw new SyntaxError("no JSON");
      token = next();
    }
  };
  const items = () => {
    const found = [];
    let token = next();
    if (token[1] === "]") return found;
    for (;;) {
      found.push(value(token));
      const end = next()[1];
      if (end === "]") return found;
      if (end !== ",") throw new SyntaxError("no JSON");
      token = next();
    }
  };
  const found = value(next());
  if (/[^ \t\n\r]/.test(text.slice(TOKEN.lastIndex))) throw new SyntaxError("no JSON");
  return found;
}

function byCodePoint(a, b) {
  const left = [...a];
  const right = [...b];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    if (left[at] !== right[at]) return left[at].codePointAt(0) - right[at].codePointAt(0);
  }
  return left.length - right.length;
}

// As canonical_json.sorted_utf8: sorted members, no white space.
export function sorted(value) {
  if (value instanceof Map) {
    const names = [...value.keys()].sort(byCodePoint);
    return `{${names.map((name) => `${JSON.stringify(name)}:${sorted(value.get(name))}`).join(",")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(sorted).join(",")}]`;
  return value instanceof Num ? value.spelled() : JSON.stringify(value);
}

// As canonical_json.indented: sorted members, each on a line of its own.
export function indented(value) {
  return `${spread(value, 0)}\n`;
}

function spread(value, depth) {
  const list = Array.isArray(value);
  if (!list && !(value instanceof Map)) return value instanceof Num ? value.spelled() : JSON.stringify(value);
  const [open, close] = list ? "[]" : "{}";
  const inner = list
    ? value.map((item) => spread(item, depth + 1))
    : [...value.keys()].sort(byCodePoint).map((name) => `${JSON.stringify(name)}: ${spread(value.get(name), depth + 1)}`);
  if (inner.length === 0) return open + close;
  const indent = " ".repeat(depth + 1);
  return `${open}\n${inner.map((line) => indent + line).join(",\n")}\n${" ".repeat(depth)}${close}`;
}

// Return the object in these bytes, null where none can be read.
export function readObject(bytes) {
  try {
    const value = parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    return value instanceof Map ? value : null;
  } catch {
    return null;
  }
}

// The files in a ZIP that is not compressed, as slices of it (PKWARE APPNOTE 4.3, with ZIP64). Nothing is read but heads.

const END = 0x06054b50;
const END_64 = 0x06064b50;
const ENTRY = 0x02014b50;
const TAIL = 65_557; // the end record with the longest comment

async function view(blob, start, end) {
  return new DataView(await blob.slice(Math.max(start, 0), end).arrayBuffer());
}

// Return a Map of path to Blob. Throws an Error where this is no such ZIP, "mixedZip" where files occur twice, lie outside
// its one folder, or have names that programs read in different ways: each could show other files of it.
export async function filesIn(zip) {
  const start = Math.max(zip.size - TAIL, 0);
  const tail = await view(zip, start, zip.size);
  let at = tail.byteLength - 22;
  while (at >= 0 && tail.getUint32(at, true) !== END) at -= 1;
  if (at < 0) throw new Error("zip");
  let [size, offset] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
  if (at >= 20 && tail.getUint32(at - 20, true) === 0x07064b50) {
    const place = Number(tail.getBigUint64(at - 12, true));
    const more = await view(zip, place, place + 56);
    if (more.getUint32(0, true) !== END_64) throw new Error("zip");
    [size, offset] = [Number(more.getBigUint64(40, true)), Number(more.getBigUint64(48, true))];
  }
  return entries(zip, await view(zip, offset, offset + size));
}

async function entries(zip, directory) {
  const found = new Map();
  const [names, folders] = [new Set(), new Set()];
  const decoder = new TextDecoder();
  for (let at = 0; at < directory.byteLength; ) {
    if (directory.getUint32(at, true) !== ENTRY) throw new Error("zip");
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((more) => directory.getUint16(at + more, true));
    const name = decoder.decode(new Uint8Array(directory.buffer, at + 46, nameLength));
    if (directory.getUint16(at + 10, true) !== 0) throw new Error("compressed");
    const [size, offset] = place(directory, at, at + 46 + nameLength, extraLength);
    const parts = name.replace(/\/$/, "").split("/");
    const plain = parts.every((part) => !["", ".", ".."].includes(part) && !/[\\\0]/.test(part));
    folders.add(parts[0]);
    if (!plain || names.has(name) || folders.size > 1 || (parts.length === 1 && !name.endsWith("/"))) {
      throw new Error("mixedZip");
    }
    names.add(name);
    if (!name.endsWith("/")) {
      const head = await view(zip, offset, offset + 30);
      const data = offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
      found.set(name, zip.slice(data, data + size));
    }
    at += 46 + nameLength + extraLength + commentLength;
  }
  return found;
}

// Return size and offset of an entry, from its ZIP64 field where they are too large for the entry itself.
function place(directory, at, extra, extraLength) {
  let size = directory.getUint32(at + 24, true);
  const packed = directory.getUint32(at + 20, true);
  let offset = directory.getUint32(at + 42, true);
  for (let field = extra; field + 4 <= extra + extraLength; field += 4 + directory.getUint16(field + 2, true)) {
    if (directory.getUint16(field, true) !== 1) continue;
    let next = field + 4;
    const long = () => Number(directory.getBigUint64((next += 8) - 8, true));
    if (size === 0xffffffff) size = long();
    if (packed === 0xffffffff) long();
    if (offset === 0xffffffff) offset = long();
  }
  return [size, offset];
}

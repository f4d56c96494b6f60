// A zip without compression, made in the browser: photos are compressed already.
// Each file is read once for its checksum; the archive refers to the files on the disk, so a
// folder of gigabytes does not have to fit into memory.

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const UTF8 = 0x0800;
const VERSION = 20;
const MAX_FILES = 65534;
const MAX_BYTES = 0xfffffffe;

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

export class TooLarge extends Error {}

/** Return a File with all `entries` ({path, file}); `onProgress(bytesRead)` is called often. */
export async function zip(entries, name, onProgress) {
  if (entries.length > MAX_FILES) throw new TooLarge("too many files for one zip");
  const parts = [];
  const directory = [];
  let offset = 0;
  let read = 0;
  for (const { path, file } of entries) {
    const label = new TextEncoder().encode(path);
    const sum = await checksum(file, (bytes) => onProgress(read += bytes));
    const fields = { label, sum, size: file.size, offset, time: dosTime(file.lastModified) };
    const header = localHeader(fields);
    parts.push(header, file);
    directory.push(centralHeader(fields));
    offset += header.byteLength + file.size;
    if (offset > MAX_BYTES) throw new TooLarge("too large for one zip");
  }
  const length = directory.reduce((total, header) => total + header.byteLength, 0);
  parts.push(...directory, endRecord(entries.length, length, offset));
  return new File(parts, name, { type: "application/zip" });
}

async function checksum(file, onBytes) {
  let value = 0xffffffff;
  const reader = file.stream().getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    for (const byte of chunk.value) value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
    onBytes(chunk.value.length);
  }
  return (value ^ 0xffffffff) >>> 0;
}

function dosTime(milliseconds) {
  const at = new Date(milliseconds);
  const date = (Math.max(at.getFullYear(), 1980) - 1980) << 9 | (at.getMonth() + 1) << 5 | at.getDate();
  return { date, time: at.getHours() << 11 | at.getMinutes() << 5 | at.getSeconds() >> 1 };
}

function localHeader({ label, sum, size, time }) {
  const header = new Writer(30 + label.length);
  header.four(LOCAL).two(VERSION).two(UTF8).two(0).two(time.time).two(time.date);
  header.four(sum).four(size).four(size).two(label.length).two(0).bytes(label);
  return header.buffer;
}

function centralHeader({ label, sum, size, offset, time }) {
  const header = new Writer(46 + label.length);
  header.four(CENTRAL).two(VERSION).two(VERSION).two(UTF8).two(0).two(time.time).two(time.date);
  header.four(sum).four(size).four(size).two(label.length).two(0).two(0).two(0).two(0);
  header.four(0).four(offset).bytes(label);
  return header.buffer;
}

function endRecord(count, length, offset) {
  const record = new Writer(22);
  record.four(END).two(0).two(0).two(count).two(count).four(length).four(offset).two(0);
  return record.buffer;
}

class Writer {
  constructor(length) {
    this.buffer = new ArrayBuffer(length);
    this.view = new DataView(this.buffer);
    this.at = 0;
  }

  two(value) {
    this.view.setUint16(this.at, value, true);
    this.at += 2;
    return this;
  }

  four(value) {
    this.view.setUint32(this.at, value, true);
    this.at += 4;
    return this;
  }

  bytes(values) {
    new Uint8Array(this.buffer, this.at).set(values);
    this.at += values.length;
    return this;
  }
}

// The name of a sequence as it stands in the bytes of a command or of a state: where it lies,
// and its hash. The machine compares and copies these bytes, because making a text of each name
// takes several times as long. Not here: which texts are a name (`base/sequence_name.ts`),
// though the rule is applied here to bytes.

import { DecodeError } from "../../base/bytes.ts";
import { isSequenceName, nameBytesMax } from "../../base/sequence_name.ts";

/**
 * Where a hash begins. It differs from process to process, so that nobody can prepare names
 * that all meet in one slot of a table. No result depends on it.
 */
const seed = Math.floor(Math.random() * 2 ** 32) | 0;

const latin1 = new TextDecoder("latin1");
/** A text of so many letters is put together faster than by a TextDecoder. */
const shortMax = 12;

/** A sound name. The bytes are borrowed: it is valid as long as they are. */
export class NameBytes {
  readonly view: DataView;
  /** Where its first byte lies. */
  readonly at: number;
  /** Bytes, 1 to 128. */
  readonly length: number;
  /** 32 bits, signed. Equal names have equal ones in this process. */
  readonly hash: number;

  /** @throws {DecodeError} if the bytes there are no name of a sequence */
  constructor(view: DataView, at: number, length: number) {
    this.view = view;
    this.at = at;
    this.length = length;
    this.hash = soundHashOf(view, at, length);
  }

  /** Whether the same name lies at `at` of `other`, where one of this length lies. */
  isAt(other: DataView, at: number): boolean {
    const { view, length } = this;
    const words = length & ~3;
    let i = 0;
    for (; i < words; i += 4) {
      if (view.getInt32(this.at + i) !== other.getInt32(at + i)) return false;
    }
    for (; i < length; i++) {
      if (view.getUint8(this.at + i) !== other.getUint8(at + i)) return false;
    }
    return true;
  }

  toString(): string {
    return textOf(this.view, this.at, this.length);
  }
}

const scratch = new DataView(new ArrayBuffer(nameBytesMax));

/** The bytes of `name`, valid until the next call; `undefined` if it is no name. */
export function bytesOfName(name: string): NameBytes | undefined {
  if (!isSequenceName(name)) return undefined;
  for (let i = 0; i < name.length; i++) {
    scratch.setUint8(i, name.charCodeAt(i));
  }
  return new NameBytes(scratch, 0, name.length);
}

/** Four bytes at a time: a state of 100,000 names is read at every start. */
function soundHashOf(view: DataView, at: number, length: number): number {
  if (length === 0 || length > nameBytesMax) refuse(view, at, length);
  const end = at + length;
  const words = at + (length & ~3);
  let hash = seed ^ length;
  let unsound = 0;
  for (let i = at; i < words; i += 4) {
    const word = view.getInt32(i, true);
    unsound |= unsoundIn(word);
    hash = mixed(hash, word);
  }
  for (let i = words; i < end; i++) {
    const byte = view.getUint8(i);
    if (byte < 0x21 || byte > 0x7e) unsound = 1;
    hash = mixed(hash, byte);
  }
  // Words of the syntax, COUNT and ONCE, have these lengths.
  if (length === 4 || length === 5) {
    if (!isSequenceName(textOf(view, at, length))) unsound = 1;
  }
  if (unsound !== 0) refuse(view, at, length);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}

/** Not 0 if one of the four bytes is below "!" or above "~". */
function unsoundIn(word: number): number {
  const below = (word - 0x21212121) & ~word;
  const above = (word + 0x01010101) | word;
  return (below | above) & 0x80808080;
}

function textOf(view: DataView, at: number, length: number): string {
  if (length > shortMax) {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + at, length);
    return latin1.decode(bytes);
  }
  let text = "";
  for (let i = at; i < at + length; i++) {
    text += String.fromCharCode(view.getUint8(i));
  }
  return text;
}

function refuse(view: DataView, at: number, length: number): never {
  const name = JSON.stringify(textOf(view, at, length));
  throw new DecodeError(`${name} is no name of a sequence, at byte ${at}`);
}

// Names of sequences as texts, from the bytes of requests, without an allocation for those that
// were seen before. A table of a fixed size, with two places for each hash: a new name takes the
// place of the one that came first. Not here: which bytes are a name (`sequence_name.ts`).

import { isSequenceName, nameBytesMax } from "./sequence_name.ts";

/** Names that are remembered at most; a power of two. */
const placesDefault = 2 ** 15;

/** Remembers the texts of names. */
export class NameCache {
  readonly #names: (string | undefined)[];

  /** `places` is a power of two. */
  constructor(places = placesDefault) {
    this.#names = new Array(places).fill(undefined);
  }

  /**
   * The name that stands in `bytes` from `from` to `to`; `undefined` if these can name no
   * sequence.
   */
  find(
    bytes: Uint8Array,
    { from, to }: { readonly from: number; readonly to: number },
  ): string | undefined {
    if (to - from > nameBytesMax) return undefined;
    let hash = 0x811c9dc5; // FNV-1a
    for (let at = from; at < to; at++) {
      hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
    }
    const names = this.#names;
    const place = (hash ^ hash >>> 15) & names.length - 2;
    const first = names[place];
    if (first !== undefined && isAt(bytes, from, to, first)) return first;
    const second = names[place + 1];
    if (second !== undefined && isAt(bytes, from, to, second)) return second;
    const name = String.fromCharCode(...bytes.subarray(from, to));
    if (!isSequenceName(name)) return undefined;
    names[place + 1] = first;
    names[place] = name;
    return name;
  }
}

/** Whether `bytes` from `from` to `to` are the characters of `name`. */
function isAt(
  bytes: Uint8Array,
  from: number,
  to: number,
  name: string,
): boolean {
  if (name.length !== to - from) return false;
  for (let i = 0; i < name.length; i++) {
    if (bytes[from + i] !== name.charCodeAt(i)) return false;
  }
  return true;
}

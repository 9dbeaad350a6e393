// Bytes that mean harm: valid ones as they are, valid ones with bits flipped, cut, spliced,
// repeated, with huge numbers and limits written into them, and no sense at all. And
// the pieces in which bytes arrive.

import fc from "fast-check";

/** Where limits lie, and one to either side of some. */
export const boundaries: readonly bigint[] = [
  ...[0, 1, 9, 16, 17, 64, 65, 127, 128, 255, 256, 1023, 1024, 1025].map(
    BigInt,
  ),
  ...[16, 18, 20, 22, 31, 32, 53, 63, 64].flatMap((bits) => {
    const power = 2n ** BigInt(bits);
    return [power - 1n, power, power + 1n];
  }),
];

export type HostileOptions = {
  /** What is put in here and there: words of the format. */
  readonly tokens?: readonly (string | Uint8Array)[];
};

/** One in ten valid, seven in ten valid but for some changes, two in ten at random. */
export function hostile(
  valid: fc.Arbitrary<Uint8Array>,
  options: HostileOptions = {},
): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    { weight: 7, arbitrary: mutated(valid, options) },
    { weight: 1, arbitrary: valid },
    {
      weight: 1,
      arbitrary: fc.uint8Array({ maxLength: 64, size: "max" }),
    },
    { weight: 1, arbitrary: noise },
  );
}

/** Longer nonsense: from one number, for fast-check is slow at bytes. */
const noise = fc.tuple(fc.nat(), fc.nat(4096)).map(([seed, length]) => {
  let state = seed | 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  });
});

/** What is done to bytes: a kind, and where, how much and with what. */
export type Change = readonly [kind: number, a: number, b: number, c: number];

const number = fc.nat(0xffff);
const change = fc.tuple(fc.nat(8), number, number, number);

/** One to four changes: drawn apart from the bytes, for who must know both. */
export const changes: fc.Arbitrary<readonly Change[]> = fc.array(change, {
  minLength: 1,
  maxLength: 4,
  size: "max",
});

/** `valid` after some changes. */
export function mutated(
  valid: fc.Arbitrary<Uint8Array>,
  options: HostileOptions = {},
): fc.Arbitrary<Uint8Array> {
  const harm = harmful(options);
  return fc.tuple(valid, changes).map(([bytes, changes]) =>
    harm(bytes, changes)
  );
}

/** Carries changes out. */
export function harmful(
  { tokens = [] }: HostileOptions = {},
): (bytes: Uint8Array, changes: readonly Change[]) => Uint8Array {
  const words = [
    ...tokens.map((token) => typeof token === "string" ? latin1(token) : token),
    ...boundaries.map((number) => latin1(String(number))),
  ];
  return (bytes, changes) =>
    changes.reduce(
      (bytes, change) => changed(bytes, { change, words }),
      bytes,
    );
}

function changed(
  bytes: Uint8Array,
  { change, words }: { change: Change; words: readonly Uint8Array[] },
): Uint8Array {
  const [kind, a, b, c] = change;
  const { length } = bytes;
  const at = a % (length + 1);
  const stretch = bytes.subarray(at, at + 1 + b % 64);
  switch (kind) {
    case 0: { // a bit flipped
      const flipped = bytes.slice();
      if (at < length) flipped[at]! ^= 1 << (b & 7);
      return flipped;
    }
    case 1: { // a byte overwritten
      const written = bytes.slice();
      if (at < length) written[at] = b;
      return written;
    }
    case 2: // cut short
      return bytes.slice(0, at);
    case 3: // a stretch left out
      return joined(bytes.subarray(0, at), bytes.subarray(at + stretch.length));
    case 4: { // a stretch copied to somewhere else
      const to = c % (length + 1);
      return joined(bytes.subarray(0, to), stretch, bytes.subarray(to));
    }
    case 5: // a stretch repeated
      return joined(
        bytes.subarray(0, at),
        ...Array<Uint8Array>(1 + c % 8).fill(stretch),
        bytes.subarray(at),
      );
    case 6: { // a number of one, two, four or eight bytes
      const number = new DataView(new ArrayBuffer(8));
      number.setBigUint64(0, boundaries[b % boundaries.length]!, true);
      const written = bytes.slice();
      const taken = Math.min(1 << (c & 3), length - at);
      written.set(new Uint8Array(number.buffer, 0, taken), at);
      return written;
    }
    case 7: // a word of the format put in
      return joined(
        bytes.subarray(0, at),
        words[b % words.length]!,
        bytes.subarray(at),
      );
    default: // the whole of it twice
      return joined(bytes, bytes.subarray(0, at));
  }
}

/** Where bytes are cut on their way. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.array(fc.nat(0xffff), {
  maxLength: 6,
  size: "max",
});

/** `bytes` in the pieces that `cuts` makes of them; none is empty. */
export function pieces(
  bytes: Uint8Array,
  cuts: readonly number[],
): Uint8Array[] {
  const ends = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) =>
    a - b
  );
  let from = 0;
  const parts = [...ends, bytes.length].map((end) => {
    const part = bytes.subarray(from, end);
    from = end;
    return part;
  });
  return parts.filter((part) => part.length > 0);
}

export function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A byte for each character. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

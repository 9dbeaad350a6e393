// The sequences that the committed commands must make, by a reading of their bytes and a map:
// the grammar is that of `raft/tickets/machine_codec.ts`, and nothing of the machine is used.
// Remembers every change, so that the state after any index can be compared.

import assert from "node:assert/strict";
import type { Index } from "../../raft/core/types.ts";

const lastTicket = 2n ** 64n - 1n;
const int64Max = 2n ** 63n - 1n;

export type StateModelOptions = {
  /** An entry gives numbers back. */
  readonly givenBack: () => void;
  /** An entry passes over `count` numbers that were not taken. */
  readonly passedOver: (count: number) => void;
  /** A group was carried out and took `taken` numbers, or it was refused (`undefined`). */
  readonly grouped: (taken: number | undefined) => void;
};

type Sequence = {
  /** Rising: the indexes of the entries that changed it … */
  readonly indexes: Index[];
  /** … and the last number after each. */
  readonly lasts: bigint[];
};

type State = {
  readonly lasts: Map<string, bigint>;
  isCreatedOnly: boolean;
};

export class StateModel {
  readonly #told: StateModelOptions;
  readonly #sequences = new Map<string, Sequence>();
  /** Numbers that the present command takes. */
  #taken = 0;
  #state: State = { lasts: new Map(), isCreatedOnly: false };

  constructor(told: StateModelOptions) {
    this.#told = told;
  }

  /** All sequences in order of creation. */
  get names(): Iterable<string> {
    return this.#sequences.keys();
  }

  /** How many there are. */
  get size(): number {
    return this.#state.lasts.size;
  }

  get isCreatedOnly(): boolean {
    return this.#state.isCreatedOnly;
  }

  /** The last number that any client may have of `name`; 0n before any. */
  last(name: string): bigint {
    return this.#state.lasts.get(name) ?? 0n;
  }

  /** The last numbers of all sequences together. */
  get sum(): bigint {
    let sum = 0n;
    for (const last of this.#state.lasts.values()) sum += last;
    return sum;
  }

  /** The last number of `name` after `index`; `undefined` if it did not exist then. */
  at(index: Index, name: string): bigint | undefined {
    const { indexes = [], lasts = [] } = this.#sequences.get(name) ?? {};
    let [from, to] = [0, indexes.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (indexes[middle]! <= index) from = middle + 1;
      else to = middle;
    }
    return lasts[from - 1];
  }

  /** All of the state after `index`, as text. */
  textAt(index: Index): string {
    let text = "";
    for (const name of this.#sequences.keys()) {
      const last = this.at(index, name);
      if (last !== undefined) text += `${name} ${last}\n`;
    }
    return text;
  }

  /** To be called with every committed command, in order. */
  committed(index: Index, data: Uint8Array): void {
    const fields = new Fields(data);
    const format = fields.u8();
    assert(format === 4 || format === 5, `a command of format ${format}`);
    const sequencesMax = fields.u32();
    const isGroup = format === 5;
    const { lasts, isCreatedOnly } = this.#state;
    const next: State = { lasts: new Map(lasts), isCreatedOnly };
    let isRefused = false;
    this.#taken = 0;
    for (let left = fields.u32(); left > 0; left--) {
      const isDone = this.#carryOut(fields, next, sequencesMax);
      if (!isDone) isRefused = true;
    }
    fields.end();
    if (isGroup) this.#told.grouped(isRefused ? undefined : this.#taken);
    if (isGroup && isRefused) return;
    this.#become(index, next);
  }

  #become(index: Index, next: State): void {
    for (const [name, last] of next.lasts) {
      if (this.#state.lasts.get(name) === last) continue;
      let sequence = this.#sequences.get(name);
      if (sequence === undefined) {
        sequence = { indexes: [], lasts: [] };
        this.#sequences.set(name, sequence);
      }
      sequence.indexes.push(index);
      sequence.lasts.push(last);
    }
    this.#state = next;
  }

  /** Carries one operation out on `state`; false if it is refused. */
  #carryOut(fields: Fields, state: State, sequencesMax: number): boolean {
    const { lasts } = state;
    const kind = fields.u8();
    if (kind === 5) return true;
    if (kind === 6) {
      state.isCreatedOnly = fields.u8() === 1;
      return true;
    }
    const name = fields.text();
    const known = lasts.get(name);
    const last = known ?? 0n;
    const mayBegin = known !== undefined ||
      (!state.isCreatedOnly && lasts.size < sequencesMax);
    switch (kind) {
      case 1: {
        const count = fields.big64();
        const end = last + count;
        const isCapped = fields.u8() === 1;
        if (!mayBegin || end > (isCapped ? int64Max : lastTicket)) return false;
        lasts.set(name, end);
        this.#taken += Number(count);
        return true;
      }
      case 2: {
        const [from, to] = [fields.big64(), fields.big64()];
        if (known !== from) return true;
        this.#told.givenBack();
        lasts.set(name, to);
        return true;
      }
      case 3: {
        const to = fields.big64();
        if (!mayBegin) return false;
        if (to > last) this.#told.passedOver(Number(to - last));
        lasts.set(name, to > last ? to : last);
        return true;
      }
      case 4: {
        const start = fields.big64();
        if (known !== undefined || lasts.size >= sequencesMax) return false;
        this.#told.passedOver(Number(start - 1n));
        lasts.set(name, start - 1n);
        return true;
      }
      case 7:
        return true;
      case 8:
        return (fields.u8() === 1 ? fields.big64() : undefined) === known;
      default:
        return assert.fail(`operation ${kind}`);
    }
  }
}

/** The fields of a command, read by hand. */
class Fields {
  readonly #view: DataView;
  #at = 0;

  constructor({ buffer, byteOffset, length }: Uint8Array) {
    this.#view = new DataView(buffer, byteOffset, length);
  }

  u8(): number {
    return this.#view.getUint8(this.#at++);
  }

  u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  big64(): bigint {
    this.#at += 8;
    return this.#view.getBigUint64(this.#at - 8, true);
  }

  text(): string {
    let text = "";
    for (let left = this.u8(); left > 0; left--) {
      text += String.fromCharCode(this.u8());
    }
    return text;
  }

  end(): void {
    assert.equal(this.#at, this.#view.byteLength, "a command ends early");
  }
}

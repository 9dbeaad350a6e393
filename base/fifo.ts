// A queue in an array that is used as a ring. `Array.shift()` moves every element that is left,
// which makes a long queue quadratic; and an array that is emptied gives its memory back, to ask
// for it again at the next item. This one keeps a little. It has no limit: its owner must set one.

const placesMin = 4;
/** Places that an empty queue keeps. */
const placesKept = 64;

/** First in, first out; `push` and `shift` take constant time on average. */
export class Fifo<T> {
  /** As many as a power of two, or none. */
  #items: (T | undefined)[] = [];
  /** The place of the first item. */
  #head = 0;
  #size = 0;

  /** How many items wait. */
  get size(): number {
    return this.#size;
  }

  /** The item that `shift` would take; `undefined` if there is none. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  /** The newest item; `undefined` if there is none. */
  get last(): T | undefined {
    return this.at(this.#size - 1);
  }

  /** Item `index`, from 0 on, in the order in which they would be taken. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.#size) return undefined;
    return this.#items[this.#place(index)];
  }

  push(item: T): void {
    if (this.#size === this.#items.length) this.#grow();
    this.#items[this.#place(this.#size++)] = item;
  }

  /** Puts `item` in front of the first. */
  unshift(item: T): void {
    if (this.#size === this.#items.length) this.#grow();
    this.#head = this.#place(this.#items.length - 1);
    this.#items[this.#head] = item;
    this.#size++;
  }

  /** Takes the first item out; `undefined` if there is none. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined; // or the queue would keep it in memory
    this.#head = this.#place(1);
    if (--this.#size === 0 && this.#items.length > placesKept) this.clear();
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#head = this.#size = 0;
  }

  /** Where the item lies that is `index` behind the first. */
  #place(index: number): number {
    return (this.#head + index) & (this.#items.length - 1);
  }

  #grow(): void {
    const items = this.#items;
    const { length } = items;
    const grown: (T | undefined)[] = [];
    for (let i = 0; i < length; i++) grown.push(items[this.#place(i)]);
    for (let i = Math.max(length, placesMin); i > 0; i--) grown.push(undefined);
    this.#items = grown;
    this.#head = 0;
  }
}

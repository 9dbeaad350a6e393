// A queue in an array. `Array.shift()` moves every element that is left, which makes a long
// queue quadratic. Here the elements that were taken stay in front, and are dropped together
// once they are the larger half. It has no limit: its owner must set one.

/** First in, first out; `push` and `shift` take constant time on average. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  /** Where the queue begins: `0 <= head <= items.length`. */
  #head = 0;

  /** How many items wait. */
  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The item that `shift` would take; `undefined` if there is none. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  /** The newest item; `undefined` if there is none. */
  get last(): T | undefined {
    return this.size === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  /** Item `index`, from 0 on, in the order in which they would be taken. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Puts `item` in front of the first. */
  unshift(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item;
    else this.#items.unshift(item);
  }

  /** Takes the first item out; `undefined` if there is none. */
  shift(): T | undefined {
    const item = this.first;
    if (this.size === 0) return undefined;
    this.#items[this.#head++] = undefined; // or the queue would keep it in memory
    if (this.#head === this.#items.length) this.clear();
    else if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  clear(): void {
    this.#items.length = 0;
    this.#head = 0;
  }
}

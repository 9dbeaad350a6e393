// A queue in an array, with constant-time ends. `Array.shift()` moves every element
// that is left, which makes a long queue quadratic; here what was taken is dropped in
// bulk, when it is the larger half.

export class Fifo<T> {
  #items: (T | undefined)[] = [];
  /** Everything before it was shifted out; `0 <= head <= items.length`. */
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  get last(): T | undefined {
    return this.size === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Puts `item` before the first. */
  unshift(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item;
    else this.#items.unshift(item);
  }

  shift(): T | undefined {
    const item = this.first;
    if (this.size === 0) return undefined;
    this.#items[this.#head++] = undefined; // or the queue would keep it alive
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

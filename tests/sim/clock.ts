// Simulated time. Every event waits in one queue, by its moment, and those of one moment in
// the order in which they were asked for. Nothing else makes time pass.

/** Microseconds since the run began. */
export type Micros = number;

type Event = {
  readonly at: Micros;
  readonly order: number;
  readonly run: () => void;
};

export class Clock {
  now: Micros = 0;
  /** A binary heap: no event is earlier than its parent. */
  readonly #heap: Event[] = [];
  #order = 0;

  after(delay: Micros, run: () => void): void {
    const event = { at: this.now + delay, order: ++this.#order, run };
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  /** Runs the next event, if one is due by `until`; else `until` is now, and it returns false. */
  step(until: Micros): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.at > until) {
      this.now = until;
      return false;
    }
    this.#removeFirst();
    this.now = next.at;
    next.run();
    return true;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

// Durations that a torture run measures by the way, for its report: how often, the median and
// the worst. Nothing is asserted about them here.

/** Durations by name, in milliseconds. */
export class Figures {
  readonly #millis = new Map<string, number[]>();

  add(name: string, millis: number): void {
    const all = this.#millis.get(name);
    if (all === undefined) this.#millis.set(name, [millis]);
    else all.push(millis);
  }

  get lines(): string[] {
    return [...this.#millis].map(([name, millis]) => {
      const rising = millis.toSorted((a, b) => a - b);
      const median = rising[Math.floor(rising.length / 2)]!;
      return `${name}: median ${median.toFixed(0)} ms, at most ` +
        `${rising.at(-1)!.toFixed(0)} ms, ${rising.length} times`;
    });
  }
}

// Many runs added up, and whether enough happened in them to prove anything: a simulator in
// which some fault never strikes finds no bugs, and looks as if there were none.

import type { Outcome } from "./simulation.ts";
import { countNames, noCounts } from "./counts.ts";

/** Among so many runs every count must have risen. */
const seedsForAll = 150;
/** Recalls that bring numbers back: many, so that each kind of recall meets each fault. */
const recalledPerSeed = 0.5;

export class Totals {
  seeds = 0;
  tickets = 0;
  #events = 0;
  #seconds = 0;
  #elections = 0;
  #committed = 0;
  #stuck = 0;
  #violations = 0;
  readonly #counts = noCounts();
  readonly #began = performance.now();

  add(outcome: Outcome): void {
    this.seeds++;
    this.tickets += outcome.tickets;
    this.#events += outcome.events;
    this.#seconds += outcome.seconds;
    this.#elections += outcome.elections;
    this.#committed += outcome.committed;
    if (outcome.stuck) this.#stuck++;
    if (outcome.failure !== undefined) this.#violations++;
    for (const name of countNames) this.#counts[name] += outcome.counts[name];
  }

  /** The events that were too few, in words; none for fewer than 20 seeds. */
  tooLittle(): string[] {
    if (this.seeds < 20) return [];
    const { kills, powerLosses, partitions } = this.#counts;
    const least: [string, number, number][] = [
      ["elections", this.#elections, 2],
      ["tickets", this.tickets, 500],
      ["crashes", kills + powerLosses, 2],
      ["partitions", partitions, 1],
    ];
    const little = least.filter(([, seen, perSeed]) =>
      seen < perSeed * this.seeds
    )
      .map(([name, seen]) => `${seen} ${name} in ${this.seeds} seeds`);
    if (this.seeds >= seedsForAll) {
      const never = countNames.filter((name) => this.#counts[name] === 0);
      little.push(...never.map((name) => `no ${name} in ${this.seeds} seeds`));
      const { recalled } = this.#counts;
      if (recalled > 0 && recalled < recalledPerSeed * this.seeds) {
        little.push(`${recalled} recalled in ${this.seeds} seeds`);
      }
    }
    // A run that is rightly stuck proves little; there may be few of them.
    if (this.#stuck > this.seeds / 20) little.push(`${this.#stuck} runs stuck`);
    return little;
  }

  lines(): string[] {
    const hours = this.#seconds / 3600;
    const real = (performance.now() - this.#began) / 1000;
    return [
      `seeds ${this.seeds}, stuck rightly ${this.#stuck}`,
      `simulated hours ${hours.toFixed(2)}, in ${real.toFixed(0)} s`,
      `events ${this.#events}, ${Math.round(this.#events / real)} a second`,
      `elections ${this.#elections}, entries committed ${this.#committed}`,
      ...Object.entries(this.#counts).map(([name, n]) => `${name} ${n}`),
      `tickets checked ${this.tickets}`,
      `violations ${this.#violations}`,
    ];
  }
}

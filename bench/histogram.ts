// A histogram of durations in microseconds, in the manner of HdrHistogram: log-linear buckets,
// 128 to each power of two, so that a value is known to 1 in 128, or to the microsecond below
// 256 µs, up to 71 minutes. Its memory is fixed. Histograms of several processes or rounds are
// merged by adding their buckets; percentiles are read from the merged one, because an average
// of percentiles is no percentile.

import { assert } from "../base/assert.ts";

const linearBits = 7;
/** Of each power of two from 2 * linear on; below, each microsecond has its own. */
const linear = 1 << linearBits;
const microsMax = 2 ** 32 - 1;
const bucketCount = bucketOf(microsMax) + 1;

function bucketOf(micros: number): number {
  const shift = Math.max(0, 31 - linearBits - Math.clz32(micros));
  return shift * linear + (micros >>> shift);
}

/** The largest value of a bucket, as HdrHistogram gives it. */
function upperMicros(bucket: number): number {
  if (bucket < 2 * linear) return bucket;
  const shift = Math.floor(bucket / linear) - 1;
  return (bucket - shift * linear + 1) * 2 ** shift - 1;
}

/** As it travels between processes: buckets that hold something, with their counts. */
export type HistogramJson = {
  readonly maxMicros: number;
  readonly buckets: readonly (readonly [bucket: number, count: number])[];
};

export class Histogram {
  readonly #counts = new Float64Array(bucketCount);
  #count = 0;
  #maxMicros = 0;

  /** Of all that was recorded. */
  get count(): number {
    return this.#count;
  }

  /** The largest value, exactly, up to `2 ** 32 - 1`. */
  get maxMicros(): number {
    return this.#maxMicros;
  }

  /** `count` values of that many microseconds; a fraction is rounded. */
  record(micros: number, count: number): void {
    const whole = Math.min(microsMax, Math.max(0, Math.round(micros)));
    const bucket = bucketOf(whole);
    this.#counts[bucket] = this.#counts[bucket]! + count;
    this.#count += count;
    if (count > 0 && whole > this.#maxMicros) this.#maxMicros = whole;
  }

  add(other: Histogram): void {
    for (const [bucket, count] of other.#counts.entries()) {
      this.#counts[bucket] = this.#counts[bucket]! + count;
    }
    this.#count += other.#count;
    this.#maxMicros = Math.max(this.#maxMicros, other.#maxMicros);
  }

  /**
   * The value in microseconds that `share` of all values do not exceed, by nearest rank: at
   * most 1 in 128 too large, never too small. NaN if nothing was recorded.
   */
  quantile(share: number): number {
    assert(share >= 0 && share <= 1, `a share of ${share}`);
    if (this.#count === 0) return NaN;
    // A product such as 0.999 * 1000 may come out a hair above the rank that is meant.
    const rank = Math.max(1, Math.ceil(share * this.#count - 1e-6));
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.min(upperMicros(bucket), this.#maxMicros);
    }
    return this.#maxMicros;
  }

  toJSON(): HistogramJson {
    const buckets = [...this.#counts.entries()].filter(([, count]) =>
      count > 0
    );
    return { maxMicros: this.#maxMicros, buckets };
  }

  static from({ maxMicros, buckets }: HistogramJson): Histogram {
    const histogram = new Histogram();
    for (const [bucket, count] of buckets) {
      histogram.#counts[bucket] = count;
      histogram.#count += count;
    }
    histogram.#maxMicros = maxMicros;
    return histogram;
  }
}

export function merged(histograms: Iterable<Histogram>): Histogram {
  const all = new Histogram();
  for (const one of histograms) all.add(one);
  return all;
}

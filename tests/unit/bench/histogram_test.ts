import assert from "node:assert/strict";
import fc from "fast-check";
import { Histogram, merged } from "../../../bench/histogram.ts";

const minuteMicros = 60_000_000;

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value, 1);
  return histogram;
}

/** By nearest rank, as the histogram is to find it. */
function exactly(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(share * sorted.length - 1e-6)) - 1]!;
}

Deno.test("A histogram knows each value to 1 in 128, from a microsecond to an hour", () => {
  for (let micros = 1; micros < 3600e6; micros = Math.ceil(micros * 1.003)) {
    const histogram = histogramOf([micros, 2 ** 32 - 1]);
    const found = histogram.quantile(0.5);
    assert(found >= micros && found <= micros * (1 + 1 / 128), `${micros}`);
    if (micros < 256) assert.equal(found, micros);
  }
});

Deno.test("A histogram's quantiles are those of its values, never too small", () => {
  const micros = fc.integer({ min: 0, max: 10 * minuteMicros });
  fc.assert(
    fc.property(
      fc.array(micros, { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0, 0.5, 0.99, 0.999, 1),
      (values, share) => {
        const found = histogramOf(values).quantile(share);
        const exact = exactly(values, share);
        assert(found >= exact && found <= exact * (1 + 1 / 128));
      },
    ),
  );
});

Deno.test("A histogram's largest value is exact, and no quantile exceeds it", () => {
  const histogram = histogramOf([1000, 70_001]);
  assert.equal(histogram.maxMicros, 70_001);
  assert.equal(histogram.quantile(1), 70_001);
});

Deno.test("Of a thousand replies, p99.9 is the last but one", () => {
  const histogram = new Histogram();
  histogram.record(100, 998);
  histogram.record(200, 1);
  histogram.record(250, 1);
  assert.equal(histogram.quantile(0.999), 200);
  assert.equal(histogram.quantile(0.5), 100);
});

Deno.test("Merged histograms are as one that recorded everything", () => {
  const micros = fc.array(fc.integer({ min: 0, max: minuteMicros }));
  fc.assert(
    fc.property(micros, micros, (some, others) => {
      const both = merged([histogramOf(some), histogramOf(others)]);
      assert.deepEqual(
        both.toJSON(),
        histogramOf([...some, ...others]).toJSON(),
      );
      assert.equal(both.count, some.length + others.length);
    }),
  );
});

Deno.test("A histogram crosses between processes as JSON", () => {
  const histogram = histogramOf([3, 3, 512, 90 * minuteMicros]);
  const json = JSON.stringify(histogram);
  const copy = Histogram.from(JSON.parse(json));
  assert.equal(JSON.stringify(copy), json);
  assert.equal(copy.count, 4);
  assert.equal(copy.quantile(0.5), 3);
  // Nothing is longer than the histogram reaches, but it is not lost.
  assert.equal(copy.maxMicros, 2 ** 32 - 1);
});

Deno.test("An empty histogram has no quantile", () => {
  assert.equal(new Histogram().quantile(0.5), NaN);
  assert.equal(new Histogram().maxMicros, 0);
});

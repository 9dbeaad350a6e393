// Names found again in bytes, whatever else was looked for.

import assert from "node:assert/strict";
import fc from "fast-check";
import { NameCache } from "../../../base/name_cache.ts";
import { isSequenceName } from "../../../base/sequence_name.ts";

const encoder = new TextEncoder();

function find(cache: NameCache, text: string): string | undefined {
  const bytes = encoder.encode(`before ${text} after`);
  const from = "before ".length;
  return cache.find(bytes, { from, to: bytes.length - " after".length });
}

Deno.test("NameCache says of all bytes what a decoder and the rule of names say", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.string({ minLength: 125, maxLength: 130 }),
    fc.constantFrom("count", "Once", "a", "b", "ab", "", "\u00e4", "a b"),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 50, size: "max" }), (texts) => {
      // So small that names take each other's places.
      const cache = new NameCache(4);
      for (const one of texts) {
        assert.equal(find(cache, one), isSequenceName(one) ? one : undefined);
      }
    }),
  );
});

Deno.test("NameCache tells names apart that have one hash", () => {
  const cache = new NameCache(2); // every name has the same two places
  for (let round = 0; round < 3; round++) {
    for (const name of ["orders", "sredro", "order", "ordersx"]) {
      assert.equal(find(cache, name), name);
    }
  }
});

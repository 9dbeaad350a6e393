// The fields of every format: which texts and ids can be encoded.

import assert from "node:assert/strict";
import { isNodeId, isShortText } from "../../../base/bytes.ts";

Deno.test("isNodeId() takes 1 to 64 of letters, digits, dot, dash and underscore", () => {
  for (const id of ["1", "a.b-c_D9", "x".repeat(64)]) {
    assert.ok(isNodeId(id), id);
  }
  for (const id of ["", "x".repeat(65), "a b", "é", "a/b", "1\n"]) {
    assert.ok(!isNodeId(id), id);
  }
});

Deno.test("isShortText() counts bytes, not characters, and refuses half a character", () => {
  assert.ok(isShortText("é".repeat(127)));
  assert.ok(!isShortText("é".repeat(128)));
  assert.ok(!isShortText("\ud800"));
});

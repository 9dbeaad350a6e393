// Commands about numbers and their answers as bytes.

import assert from "node:assert/strict";
import type { NumberCommand } from "../../../../raft/channel/messages.ts";
import {
  decodeNumberAnswer,
  decodeNumberCommand,
  encodeNumberAnswer,
  encodeNumberCommand,
  type ForwardedAnswer,
} from "../../../../raft/tickets/number_codec.ts";

const commands: readonly NumberCommand[] = [
  { type: "raise", to: 0n },
  { type: "raise", to: 2n ** 64n - 1n },
  { type: "last" },
  { type: "backup" },
];

const answers: readonly ForwardedAnswer[] = [
  { type: "ok" },
  { type: "not-leader" },
  { type: "error", text: "wörds" },
  { type: "number", number: 0n },
  { type: "number", number: 2n ** 64n - 1n },
  { type: "pairs", pairs: [] },
  { type: "pairs", pairs: [["a", "b"], ["", "ü"]] },
];

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

Deno.test("A command about numbers is decoded as it was encoded", () => {
  for (const command of commands) {
    assert.deepEqual(
      decodeNumberCommand(encodeNumberCommand(command)),
      command,
    );
  }
});

Deno.test("An answer about numbers is decoded as it was encoded", () => {
  for (const answer of answers) {
    assert.deepEqual(decodeNumberAnswer(encodeNumberAnswer(answer)), answer);
  }
});

Deno.test("Other bytes are no command about numbers", () => {
  const others = [
    "",
    "null",
    "[]",
    "7",
    "{",
    '{"type":"transfer","id":""}',
    '{"type":"raise"}',
    '{"type":"raise","to":7}',
    '{"type":"raise","to":"-7"}',
    `{"type":"raise","to":"${2n ** 64n}"}`,
  ];
  for (const text of others) {
    assert.equal(decodeNumberCommand(bytes(text)), undefined, text);
  }
});

Deno.test("Other bytes are an answer that cannot be read", () => {
  const others = [
    "",
    "null",
    '{"type":"lost"}',
    '{"type":"error"}',
    '{"type":"number","number":7}',
    `{"type":"number","number":"${2n ** 64n}"}`,
    '{"type":"pairs"}',
    '{"type":"pairs","pairs":[["a"]]}',
    '{"type":"pairs","pairs":[["a",1]]}',
    '{"type":"pairs","pairs":[null]}',
  ];
  for (const text of others) {
    assert.deepEqual(decodeNumberAnswer(bytes(text)), {
      type: "error",
      text: "the leader's answer is unreadable",
    }, text);
  }
});

Deno.test("An answer that fits into no message says so", () => {
  const pairs = Array.from({ length: 300 }, () => ["x".repeat(255), "1"]);
  const data = encodeNumberAnswer({
    type: "pairs",
    pairs: pairs as [string, string][],
  });
  assert.deepEqual(decodeNumberAnswer(data), {
    type: "error",
    text: "the answer is too long to be forwarded: ask the leader itself",
  });
});

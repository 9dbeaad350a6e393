// Commands and answers as bytes between nodes: which they are, and what becomes of bytes that
// cannot be read.

import assert from "node:assert/strict";
import type { Forward } from "../../../../raft/core/types.ts";
import type {
  ChangeCommand,
  CommandOf,
  LeaderAnswer,
} from "../../../../raft/members/change.ts";
import {
  decodeAnswer,
  decodeCommand,
  encodeAnswer,
  encodeCommand,
} from "../../../../raft/members/change_codec.ts";
import { Nodes } from "../../../lib/nodes.ts";
import { error, remove } from "../../../lib/questions.ts";

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const at = { id: "x", address: "x:1", prevIndex: 7n };
const forced = { id: "x", prevIndex: 2n ** 64n - 1n, force: true };
/** A command of each type, and its bytes. */
const commands: {
  readonly [Type in ChangeCommand["type"]]: [CommandOf<Type>, string];
} = {
  "add-voter": [
    { type: "add-voter", ...at },
    '{"type":"add-voter","id":"x","address":"x:1","prevIndex":"7"}',
  ],
  "add-nonvoter": [
    { type: "add-nonvoter", ...at },
    '{"type":"add-nonvoter","id":"x","address":"x:1","prevIndex":"7"}',
  ],
  "promote": [
    { type: "promote", id: "x", prevIndex: 0n },
    '{"type":"promote","id":"x","prevIndex":"0"}',
  ],
  "demote": [
    { type: "demote", ...forced },
    '{"type":"demote","id":"x","prevIndex":"18446744073709551615","force":true}',
  ],
  "remove-server": [
    { type: "remove-server", ...forced },
    '{"type":"remove-server","id":"x","prevIndex":"18446744073709551615","force":true}',
  ],
  "join": [
    {
      type: "join",
      id: "x",
      address: "x:1",
      incarnation: "1",
      cluster: "c",
      nonvoter: true,
    },
    '{"type":"join","id":"x","address":"x:1","incarnation":"1","cluster":"c","nonvoter":true}',
  ],
  "transfer": [{ type: "transfer", id: "" }, '{"type":"transfer","id":""}'],
  "move": [
    { type: "move", id: "x", address: "x:1", incarnation: "1", prevIndex: 7n },
    '{"type":"move","id":"x","address":"x:1","incarnation":"1","prevIndex":"7"}',
  ],
};

Deno.test("Every command has its bytes, and is read back from them", () => {
  for (const [command, text] of Object.values(commands)) {
    assert.equal(new TextDecoder().decode(encodeCommand(command)), text);
    assert.deepEqual(decodeCommand(encode(text)), command);
  }
});

Deno.test("Every answer has its bytes, and is read back from them", () => {
  const answers: [LeaderAnswer, string][] = [
    [{ type: "ok" }, '{"type":"ok"}'],
    [{ type: "lost" }, '{"type":"lost"}'],
    [{ type: "error", text: "no" }, '{"type":"error","text":"no"}'],
  ];
  for (const [answer, text] of answers) {
    assert.equal(new TextDecoder().decode(encodeAnswer(answer)), text);
    assert.deepEqual(decodeAnswer(encode(text)), answer);
  }
});

Deno.test("A flag that is left out is false, and a command without any other field is none", () => {
  for (const [command] of Object.values(commands)) {
    for (const name of Object.keys(command)) {
      const fields = { ...command, prevIndex: "7", [name]: undefined };
      const found = decodeCommand(encode(JSON.stringify(fields)));
      const label = `${command.type} without ${name}`;
      if (name === "force" || name === "nonvoter") {
        assert(found !== undefined, label);
        assert.equal(
          Object.entries(found).find(([n]) => n === name)?.[1],
          false,
        );
      } else assert.equal(found, undefined, label);
    }
  }
});

function forward(data: string): Forward {
  return {
    type: "Forward",
    from: "b",
    to: "a",
    id: 1,
    data: encode(data),
  };
}

Deno.test("A Forward that cannot be read is refused, and changes nothing", () => {
  const nodes = Nodes.ledBy("ab");
  const texts = [
    "",
    "{",
    "null",
    "[]",
    "7",
    '"remove-server"',
    "{}",
    '{"type":"remove-server"}',
    '{"type":"remove-server","id":"b"}',
    '{"type":"remove-server","id":"b","prevIndex":0}',
    '{"type":"remove-server","id":"b","prevIndex":"-1"}',
    '{"type":"remove-server","id":7,"prevIndex":"0"}',
    '{"type":"remove-server","id":"b","prevIndex":"123456789012345678901"}',
    '{"type":"add-voter","id":"x","prevIndex":"0"}',
    '{"type":"join","id":"x","address":"x:1","incarnation":"1"}',
    '{"type":"snapshot","id":"x","prevIndex":"0"}',
    "\xff\xfe",
  ];
  for (const text of texts) {
    nodes.hand(forward(text));
    const answer = nodes.network.pop();
    assert(answer?.type === "ForwardResponse", text);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(answer.data)), {
      type: "error",
      text: "the leader does not know this command",
    });
    nodes.settle();
  }
  assert.equal(nodes.servers("a"), "ab");
});

Deno.test("A ForwardResponse that cannot be read is an error; one of another node or request is ignored", () => {
  for (const data of ["", "[", "{}", '{"type":"error"}', '{"type":"text"}']) {
    const nodes = Nodes.ledBy("abc");
    const forwards = nodes.keepBack("Forward");
    const asked = remove(nodes, "b", "c");
    const { id } = forwards[0] as Forward;
    const answer = (from: string, id: number) =>
      nodes.hand({
        ...forward(data),
        type: "ForwardResponse",
        from,
        to: "b",
        id,
      });
    answer("a", id + 1);
    answer("c", id);
    assert.equal(asked.answer, undefined);
    answer("a", id);
    assert.deepEqual(asked.answer, error("the leader's answer is unreadable"));
    answer("a", id);
  }
});

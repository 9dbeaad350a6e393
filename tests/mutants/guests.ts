// Mistakes by which one client harms others or the process, put back.

import type { Mutant } from "./mutant.ts";

const connection = "server/connection.ts";
const listener = "server/listener.ts";
const patience = "server/patience.ts";
const census = "server/census.ts";
const replies = "server/replies.ts";
const connectionTests = ["server/connection_test.ts"];
const listenerTests = ["server/listener_test.ts"];
const patienceTests = ["server/patience_test.ts"];

export const guestsMutants: readonly Mutant[] = [
  {
    name: "pattern-compiled",
    mistake: "a regular expression is made of a client's bytes",
    source: "PITFALLS 36",
    file: "server/redis_commands.ts",
    find: "patterns.some((pattern) => matchesGlob(pattern, name))",
    replace:
      'patterns.some((pattern) => matchesGlob(pattern, name) || new RegExp(pattern.replace("*", ".*")).test(name))',
    tests: ["server/commands_test.ts"],
  },
  {
    name: "command-ends-process",
    mistake: "what a command throws leaves its connection",
    source: "PITFALLS 36",
    file: connection,
    find: "return this.#failed(error, this.replies.undo(mark));",
    replace: "throw error;",
    tests: connectionTests,
  },
  {
    name: "half-a-reply",
    mistake: "what a failed command had written stands before the error",
    source: "PITFALLS 31",
    file: replies,
    find: "this.writer.truncate(bytes);",
    replace: "",
    tests: ["server/replies_test.ts"],
  },
  {
    name: "promise-forgotten",
    mistake: "a failed command's promised reply is awaited for ever",
    source: "PITFALLS 32",
    file: connection,
    find: "if (isUndone) this.refuse(internalErrorText);",
    replace: "if (isUndone || error) this.refuse(internalErrorText);",
    tests: connectionTests,
  },
  {
    name: "number-ends-process",
    mistake: "a number that cannot be written breaks the dispenser",
    source: "PITFALLS 36",
    file: replies,
    find: `      this.#giveAll(count, write);
    } catch (error) {
      this.#failed(error);`,
    replace: `      this.#giveAll(count, write);
    } catch (error) {
      throw error;`,
    tests: ["server/replies_test.ts"],
  },
  {
    name: "names-of-any-length",
    mistake: "a client's name may be as long as an argument",
    source: "PITFALLS 33",
    file: "server/redis_commands.ts",
    find: "return bytes.length <= nameBytesMax &&",
    replace: "return bytes.length <= 1000 * nameBytesMax &&",
    tests: ["server/commands_test.ts"],
  },
  {
    name: "long-reply-kept-whole",
    mistake: "a long reply is made at once, whoever reads it",
    source: "PITFALLS 33",
    file: replies,
    find: "while (this.#out.length < pieceBytes && slot.waiting > 0) {",
    replace: "while (this.#out.length >= 0 * pieceBytes && slot.waiting > 0) {",
    tests: ["server/replies_test.ts"],
  },
  {
    name: "run-behind-long-reply",
    mistake: "commands behind a long reply are run before it has left",
    source: "PITFALLS 33",
    file: replies,
    find: "this.#open(1, reply);\n    this.#alone++;",
    replace: "this.#open(1, reply);",
    tests: ["server/replies_test.ts"],
  },
  {
    name: "turn-without-end",
    mistake: "a client that never stops sending is served before all others",
    source: "PITFALLS 24",
    file: connection,
    find: "  spent(count: number): void {\n    this.#share -= count;",
    replace: "  spent(count: number): void {\n    this.#share -= 0 * count;",
    tests: connectionTests,
  },
  {
    name: "reads-for-nothing",
    mistake:
      "who sends no commands, but without end, is read before all others",
    source: "PITFALLS 24",
    file: connection,
    find: "this.#bytesLeft -= Math.max(count, readBytesLeast);",
    replace: "this.#bytesLeft -= 0 * Math.max(count, readBytesLeast);",
    tests: connectionTests,
  },
  {
    name: "single-bytes-for-nothing",
    mistake: "who sends byte by byte is read too often in one turn",
    source: "PITFALLS 24",
    file: connection,
    find: "this.#bytesLeft -= Math.max(count, readBytesLeast);",
    replace: "this.#bytesLeft -= Math.max(count, 0 * readBytesLeast);",
    tests: connectionTests,
  },
  {
    name: "words-for-nothing",
    mistake: "a command of a thousand words costs as much as a PING",
    source: "PITFALLS 24",
    file: connection,
    find: "this.#share -= wordCost * this.request.count;",
    replace: "this.#share -= wordCost;",
    tests: connectionTests,
  },
  {
    name: "replies-for-nothing",
    mistake: "a long reply costs as much as a PONG",
    source: "PITFALLS 24",
    file: connection,
    find: "this.#share -= Math.ceil(written / replyBytesPerCost);",
    replace: "this.#share -= 0 * Math.ceil(written / replyBytesPerCost);",
    tests: connectionTests,
  },
  {
    name: "turns-without-sockets",
    mistake:
      "a turn ends with a message to oneself, and no socket is looked at",
    source: "PITFALLS 24",
    file: "server/turns.ts",
    find: "    this.#end = end;",
    replace: `    const { port1, port2 } = new MessageChannel();
    this.#end = () =>
      new Promise((resolve) => {
        port2.onmessage = () => resolve();
        port1.postMessage(nothing);
      });`,
    tests: ["server/turns_test.ts"],
  },
  {
    name: "list-for-nothing",
    mistake: "what a long reply is made from does not count",
    source: "PITFALLS 37",
    file: replies,
    find: "(this.#slots.last?.long?.keptBytes ?? 0);",
    replace: "0 * (this.#slots.last?.long?.keptBytes ?? 0);",
    tests: ["server/replies_test.ts"],
  },
  {
    name: "offsets-kept",
    mistake: "one command of a thousand words is remembered for ever",
    source: "PITFALLS 37",
    file: "server/resp_parser.ts",
    find: "if (this.#from.length > offsetsKept) this.#forgetOffsets();",
    replace: "",
    tests: ["server/resp_parser_test.ts"],
  },
  {
    name: "share-never-renewed",
    mistake: "a client that has used up a turn's share is never served again",
    source: "PITFALLS 24",
    file: connection,
    find: "this.#share = turnShare;\n      this",
    replace: "this.#share += 0 * turnShare;\n      this",
    tests: connectionTests,
  },
  {
    name: "budget-ignored",
    mistake: "a large client goes on while all together hold too much",
    source: "PITFALLS 37",
    file: connection,
    find:
      "return this.#counted > modestBytes && this.#service.census.isOverMemory;",
    replace: "return this.#counted < 0 * modestBytes;",
    tests: connectionTests,
  },
  {
    name: "memory-counted-for-ever",
    mistake: "a client that has gone still counts with its buffers",
    source: "PITFALLS 37",
    file: connection,
    find: "    this.#released = true;\n    this.#count();",
    replace: "    this.#count();",
    tests: connectionTests,
  },
  {
    name: "largest-spared",
    mistake: "the smallest clients are closed for the memory of the largest",
    source: "PITFALLS 37",
    file: patience,
    find: "b.memoryBytes - a.memoryBytes",
    replace: "a.memoryBytes - b.memoryBytes",
    tests: patienceTests,
  },
  {
    name: "closed-at-once-for-memory",
    mistake: "clients are closed before they could have read",
    source: "PITFALLS 37",
    file: patience,
    find: "const excessLooks = 2;",
    replace: "const excessLooks = 1;",
    tests: patienceTests,
  },
  {
    name: "unread-for-ever",
    mistake: "a client that reads nothing keeps what waits for it",
    source: "PITFALLS 37",
    file: patience,
    find: "seen.unread = session.isWriting && !hasRead ? seen.unread + 1 : 0;",
    replace: "seen.unread = session.isWriting && !hasRead ? 1 : 0;",
    tests: patienceTests,
  },
  {
    name: "slow-reader-closed",
    mistake: "a client that reads, if slowly, is closed",
    source: "PITFALLS 37",
    file: patience,
    find: "seen.unread = session.isWriting && !hasRead ?",
    replace: "seen.unread = session.isWriting ?",
    tests: patienceTests,
  },
  {
    name: "drip-for-ever",
    mistake: "a command that is never finished keeps its client",
    source: "PITFALLS 33",
    file: patience,
    find:
      "seen.partial = session.isPartial && !hasAsked ? seen.partial + 1 : 0;",
    replace: "seen.partial = session.isPartial && !hasAsked ? 1 : 0;",
    tests: patienceTests,
  },
  {
    name: "idle-for-ever",
    mistake: "--client-idle ends nobody",
    source: "PITFALLS 33",
    file: patience,
    find: "if (seen.idle >= this.#options.idleLooks)",
    replace: "if (seen.idle < 0 * this.#options.idleLooks)",
    tests: patienceTests,
  },
  {
    name: "no-place-kept",
    mistake: "at the limit of clients nobody gets in from this host",
    source: "PITFALLS 45",
    file: listener,
    find: "} else if (this.#isNear(connection) && this.#enterKept()) {",
    replace:
      "} else if (this.#isNear(connection) && this.#closing && this.#enterKept()) {",
    tests: listenerTests,
  },
  {
    name: "kept-place-held",
    mistake: "whoever does nothing keeps the operator's place",
    source: "PITFALLS 45",
    file: listener,
    find: "if (!connection.isIdle) continue;",
    replace: "if (connection.isIdle) continue;",
    tests: listenerTests,
  },
  {
    name: "refused-without-a-word",
    mistake: "one that is too many is closed before it was told",
    source: "PITFALLS, RESP table",
    file: listener,
    find: "if (!connection.hasFinished) continue;",
    replace: "if (connection.hasFinished && this.#closing) continue;",
    tests: listenerTests,
  },
  {
    name: "asks-at-a-terminal",
    mistake:
      "Deno asks at the terminal for a right that nobody needs, and waits",
    source: "the start of a node",
    file: "server/handles.ts",
    find:
      'return Deno.permissions.querySync({ name, path }).state === "granted";',
    replace:
      'return Deno.permissions.querySync({ name, path }).state !== "denied";',
    tests: ["e2e/permissions_test.ts"],
  },
  {
    name: "handles-for-clients-alone",
    mistake: "clients may take all file handles there are",
    source: "PITFALLS 37",
    file: "server/handles.ts",
    find: "const left = free - own - peers - places - refusals * ioThreads;",
    replace: "const left = free - 0 * (own + peers + places + refusals);",
    tests: ["server/handles_test.ts"],
  },
  {
    name: "admins-without-limit",
    mistake: "any number of admin commands are under way",
    source: "PITFALLS 33",
    file: census,
    find: "if (this.#add(admins, BigInt(adminsMax))) return true;",
    replace: "if (this.#add(admins, 1000n * BigInt(adminsMax))) return true;",
    tests: ["server/census_test.ts"],
  },
  {
    name: "changes-shut-questions-out",
    mistake: "changes of members leave no place for a question",
    source: "PITFALLS 45",
    file: census,
    find:
      "if (isChange && !this.#add(changes, BigInt(changesMax))) return false;",
    replace:
      "if (isChange && !this.#add(changes, 9n * BigInt(changesMax))) return false;",
    tests: ["server/census_test.ts"],
  },
  {
    name: "admin-never-over",
    mistake: "an admin command that is answered still counts",
    source: "PITFALLS 33",
    file: "server/raft_commands.ts",
    find: "    census.leaveAdmin(kind);\n",
    replace: "",
    tests: ["server/raft_commands_test.ts"],
  },
  {
    name: "arguments-unchecked",
    mistake: "arguments of any length cross to the node",
    source: "PITFALLS 33",
    file: "server/raft_commands.ts",
    find: "if (encoder.encode(value).length > textBytesMax) {",
    replace: "if (encoder.encode(value).length > 1000 * textBytesMax) {",
    tests: ["server/raft_commands_test.ts"],
  },
  {
    name: "block-given-twice",
    mistake: "a freed block joins a neighbour that is in use",
    source: "PITFALLS 31",
    file: "server/memory.ts",
    find: "if (!this.#free[size]!.delete(buddy)) break;",
    replace: "this.#free[size]!.delete(buddy);",
    tests: ["server/memory_test.ts"],
  },
  {
    name: "slab-kept",
    mistake: "memory that a crowd has left stays with the process",
    source: "PITFALLS 37",
    file: "server/memory.ts",
    find: "    slabs.delete(slab.buffer);\n    slab.buffer.transfer(0);",
    replace: "",
    tests: ["server/memory_test.ts"],
  },
];

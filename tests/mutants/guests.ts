// Mistakes by which one client harms others or the process, put back.

import type { Mutant } from "./mutant.ts";

const connection = "server/clients/connection.ts";
const listener = "server/clients/listener.ts";
const timeouts = "server/clients/slow_clients.ts";
const memory = "server/clients/client_memory.ts";
const fairTurns = "server/clients/fair_turns.ts";
const places = "server/clients/client_places.ts";
const clientCount = "server/client_count.ts";
const replies = "server/resp/replies.ts";
const connectionTests = ["unit/server/clients/connection_test.ts"];
const listenerTests = ["unit/server/clients/listener_test.ts"];
const timeoutsTests = ["unit/server/clients/slow_clients_test.ts"];
const memoryTests = ["unit/server/clients/client_memory_test.ts"];
const turnTests = ["unit/server/clients/connection_turns_test.ts"];
const connectionMemoryTests = [
  "unit/server/clients/connection_memory_test.ts",
];
const placesTests = ["unit/server/clients/client_places_test.ts"];

export const guestsMutants: readonly Mutant[] = [
  {
    name: "pattern-compiled",
    mistake: "a regular expression is made of a client's bytes",
    source: "PITFALLS 36",
    file: "server/commands/redis_commands.ts",
    find: "patterns.some((pattern) => matchesInAnyCase(pattern, name))",
    replace:
      'patterns.some((pattern) => matchesInAnyCase(pattern, name) || new RegExp(pattern.replace("*", ".*")).test(name))',
    tests: ["unit/server/commands/redis_commands_test.ts"],
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
    tests: ["unit/server/resp/replies_test.ts"],
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
    find: `    } catch (error) {
      this.#failed(error);`,
    replace: `    } catch (error) {
      throw error;`,
    tests: ["unit/server/resp/replies_test.ts"],
  },
  {
    name: "names-of-any-length",
    mistake: "a client's name may be as long as an argument",
    source: "PITFALLS 33",
    file: "server/commands/redis_commands.ts",
    find: "return bytes.length <= nameBytesMax &&",
    replace: "return bytes.length <= 1000 * nameBytesMax &&",
    tests: ["unit/server/commands/redis_commands_test.ts"],
  },
  {
    name: "long-reply-kept-whole",
    mistake: "a long reply is made at once, however slowly it is read",
    source: "PITFALLS 33",
    file: replies,
    find: "while (this.#out.length < pieceBytes && slot.waiting > 0) {",
    replace: "while (this.#out.length >= 0 * pieceBytes && slot.waiting > 0) {",
    tests: ["unit/server/resp/replies_test.ts"],
  },
  {
    name: "run-behind-long-reply",
    mistake: "commands behind a long reply are run before it has left",
    source: "PITFALLS 33",
    file: replies,
    find: `    this.#long = reply;
    this.#alone++;`,
    replace: "    this.#long = reply;",
    tests: ["unit/server/resp/replies_test.ts"],
  },
  {
    name: "turn-without-end",
    mistake: "a client that never stops sending is served before all others",
    source: "PITFALLS 24",
    file: fairTurns,
    find: "this.#tickets -= count;",
    replace: "this.#tickets -= 0 * count;",
    tests: turnTests,
  },
  {
    name: "reads-for-nothing",
    mistake:
      "a client that sends no commands, without end, is read before all others",
    source: "PITFALLS 24",
    file: fairTurns,
    find: "this.#bytes -= Math.max(count, readBytesLeast);",
    replace: "this.#bytes -= 0 * Math.max(count, readBytesLeast);",
    tests: turnTests,
  },
  {
    name: "single-bytes-for-nothing",
    mistake: "a client that sends byte by byte is read too often in one turn",
    source: "PITFALLS 24",
    file: fairTurns,
    find: "this.#bytes -= Math.max(count, readBytesLeast);",
    replace: "this.#bytes -= Math.max(count, 0 * readBytesLeast);",
    tests: turnTests,
  },
  {
    name: "words-for-nothing",
    mistake: "a command of a thousand words costs as much as a PING",
    source: "PITFALLS 24",
    file: fairTurns,
    find: "this.spend(wordCost * words + ",
    replace: "this.spend(wordCost + 0 * words + ",
    tests: turnTests,
  },
  {
    name: "replies-for-nothing",
    mistake: "a long reply costs as much as a PONG",
    source: "PITFALLS 24",
    file: fairTurns,
    find: "+ Math.ceil(replyBytes / replyBytesPerTicket)",
    replace: "+ 0 * Math.ceil(replyBytes / replyBytesPerTicket)",
    tests: turnTests,
  },
  {
    name: "turns-without-sockets",
    mistake:
      "a turn ends with a message to oneself, and no socket is looked at",
    source: "PITFALLS 24",
    file: fairTurns,
    find: "    this.#end = end;",
    replace: `    const { port1, port2 } = new MessageChannel();
    this.#end = () =>
      new Promise((resolve) => {
        port2.onmessage = () => resolve();
        port1.postMessage(nothing);
      });`,
    tests: ["unit/server/clients/fair_turns_test.ts"],
  },
  {
    name: "list-for-nothing",
    mistake: "what a long reply is made from does not count",
    source: "PITFALLS 37",
    file: replies,
    find: "(this.#long?.keptBytes ?? 0);",
    replace: "0 * (this.#long?.keptBytes ?? 0);",
    tests: ["unit/server/resp/replies_test.ts"],
  },
  {
    name: "offsets-kept",
    mistake: "one command of a thousand words is remembered for ever",
    source: "PITFALLS 37",
    file: "server/resp/argument_offsets.ts",
    find: "if (this.#from.length > argumentsKept) this.release();",
    replace: "void argumentsKept;",
    tests: ["unit/server/resp/resp_parser_test.ts"],
  },
  {
    name: "share-never-renewed",
    mistake: "a client that has used up a turn's share is never served again",
    source: "PITFALLS 24",
    file: fairTurns,
    find: "    this.#tickets = ticketsPerTurn;\n",
    replace: "",
    tests: turnTests,
  },
  {
    name: "budget-ignored",
    mistake: "a large client goes on while all together hold too much",
    source: "PITFALLS 37",
    file: connection,
    find: "return this.#counted > modestBytes && clientCount.isOverMemory &&",
    replace: "return this.#counted < 0 * modestBytes &&",
    tests: connectionMemoryTests,
  },
  {
    name: "held-back-for-others",
    mistake:
      "a client with one large command waits for as long as others hold too much",
    source: "PITFALLS 37",
    file: connection,
    find: "this.#counted > clientCount.evenShareBytes;",
    replace: "this.#counted > 0 * clientCount.evenShareBytes;",
    tests: connectionMemoryTests,
  },
  {
    name: "closed-for-others",
    mistake: "an isolate closes its own clients for what another's hold",
    source: "PITFALLS 37",
    file: memory,
    find: "session.memoryBytes <= clientCount.evenShareBytes) {",
    replace: "session.memoryBytes < 0 * clientCount.evenShareBytes) {",
    tests: memoryTests,
  },
  {
    name: "memory-counted-for-ever",
    mistake: "a client that has gone still counts with its buffers",
    source: "PITFALLS 37",
    file: connection,
    find: "const bytes = this.#closed\n",
    replace: "const bytes = this.#closed && this.#counted === 0\n",
    tests: connectionMemoryTests,
  },
  {
    name: "largest-spared",
    mistake: "the smallest clients are closed for the memory of the largest",
    source: "PITFALLS 37",
    file: memory,
    find: "b.memoryBytes - a.memoryBytes",
    replace: "a.memoryBytes - b.memoryBytes",
    tests: memoryTests,
  },
  {
    name: "closed-at-once-for-memory",
    mistake: "clients are closed before they could have read",
    source: "PITFALLS 37",
    file: memory,
    find: "const excessLooks = 2;",
    replace: "const excessLooks = 1;",
    tests: memoryTests,
  },
  {
    name: "unread-for-ever",
    mistake: "a client that reads nothing keeps what waits for it",
    source: "PITFALLS 37",
    file: timeouts,
    find: "seen.unread = session.isWriting && !hasRead ? seen.unread + 1 : 0;",
    replace: "seen.unread = session.isWriting && !hasRead ? 1 : 0;",
    tests: timeoutsTests,
  },
  {
    name: "slow-reader-closed",
    mistake: "a client that reads, if slowly, is closed",
    source: "PITFALLS 37",
    file: timeouts,
    find: "seen.unread = session.isWriting && !hasRead ?",
    replace: "seen.unread = session.isWriting ?",
    tests: timeoutsTests,
  },
  {
    name: "drip-for-ever",
    mistake: "a command that is never finished keeps its client",
    source: "PITFALLS 33",
    file: timeouts,
    find:
      "seen.partial = session.isPartial && !hasAsked ? seen.partial + 1 : 0;",
    replace: "seen.partial = session.isPartial && !hasAsked ? 1 : 0;",
    tests: timeoutsTests,
  },
  {
    name: "idle-for-ever",
    mistake: "--client-idle closes no client",
    source: "PITFALLS 33",
    file: timeouts,
    find: "if (seen.idle >= this.#options.idleLooks)",
    replace: "if (seen.idle < 0 * this.#options.idleLooks)",
    tests: timeoutsTests,
  },
  {
    name: "no-place-kept",
    mistake: "at the limit of clients none gets in from this host",
    source: "PITFALLS 45",
    file: listener,
    find: "this.#isNear(connection) && this.#places.enterKept(connection);",
    replace: "this.#isNear(connection) && this.#closing;",
    tests: listenerTests,
  },
  {
    name: "kept-place-held",
    mistake: "an idle visitor keeps the operator's place",
    source: "PITFALLS 45",
    file: places,
    find: "if (!client.isIdle) continue;",
    replace: "if (client.isIdle) continue;",
    tests: placesTests,
  },
  {
    name: "early-end-untold",
    mistake: "a client that ends before the port is served keeps its place",
    source: "PITFALLS 37",
    file: "base/port.ts",
    find: "{ allowHalfOpen: true, pauseOnConnect: true }",
    replace: "{ allowHalfOpen: true }",
    tests: ["unit/base/port_test.ts"],
  },
  {
    name: "early-without-end",
    mistake: "a port that nobody serves yet takes every file handle",
    source: "PITFALLS 37",
    file: "base/port.ts",
    find:
      "if (this.#early.length < this.#earlyMax) this.#early.push(socket);\n    else socket.close();",
    replace: "this.#early.push(socket);",
    tests: ["unit/base/port_test.ts"],
  },
  {
    name: "deaf-listener",
    mistake:
      "a listener that once found no file handle never accepts a client again",
    source: "ARCHITECTURE, how it is proved",
    file: "base/port.ts",
    find: "handle?.listen?.(backlog);",
    replace: "void handle;",
    tests: ["e2e/guests_test.ts"],
  },
  {
    name: "refused-without-a-word",
    mistake: "one that is too many is closed before it was told",
    source: "PITFALLS, RESP table",
    file: listener,
    find: "if (this.#told.has(connection)) connection.close();",
    replace: "if (!this.#closing) connection.close();",
    tests: listenerTests,
  },
  {
    name: "asks-at-a-terminal",
    mistake:
      "Deno asks at the terminal for a right that is not needed, and waits",
    source: "OPERATING, Permissions",
    file: "server/file_handles.ts",
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
    file: "server/file_handles.ts",
    find: "const left = free - own - peers - places - refusals * ioThreads;",
    replace: "const left = free - 0 * (own + peers + places + refusals);",
    tests: ["unit/server/file_handles_test.ts"],
  },
  {
    name: "admins-without-limit",
    mistake: "any number of admin commands are under way",
    source: "PITFALLS 33",
    file: clientCount,
    find: "if (this.#add(admins, BigInt(adminsMax))) return true;",
    replace: "if (this.#add(admins, 1000n * BigInt(adminsMax))) return true;",
    tests: ["unit/server/client_count_test.ts"],
  },
  {
    name: "changes-shut-questions-out",
    mistake: "changes of members leave no place for a question",
    source: "PITFALLS 45",
    file: clientCount,
    find:
      "if (isChange && !this.#add(changes, BigInt(changesMax))) return false;",
    replace:
      "if (isChange && !this.#add(changes, 9n * BigInt(changesMax))) return false;",
    tests: ["unit/server/client_count_test.ts"],
  },
  {
    name: "admin-never-over",
    mistake: "an admin command that is answered still counts",
    source: "PITFALLS 33",
    file: "server/commands/admin_limit.ts",
    find: "      this.#clientCount.leaveAdmin({ isChange });\n",
    replace: "",
    tests: ["unit/server/commands/admin_limit_test.ts"],
  },
  {
    name: "arguments-unchecked",
    mistake: "arguments of any length cross to the node",
    source: "PITFALLS 33",
    file: "server/commands/raft_commands.ts",
    find: "if (encoder.encode(value).length > textBytesMax) {",
    replace: "if (encoder.encode(value).length > 1000 * textBytesMax) {",
    tests: ["unit/server/commands/raft_commands_test.ts"],
  },
  {
    name: "block-given-twice",
    mistake: "a freed block joins a neighbour that is in use",
    source: "PITFALLS 31",
    file: "server/resp/slabs.ts",
    find: "if (!this.#freeOf(size).delete(buddy)) break;",
    replace: "this.#freeOf(size).delete(buddy);",
    tests: ["unit/server/resp/slabs_test.ts"],
  },
  {
    name: "slab-kept",
    mistake: "memory that a crowd has left stays with the process",
    source: "PITFALLS 37",
    file: "server/resp/slabs.ts",
    find: "    slabs.delete(slab.buffer);\n    slab.buffer.transfer(0);",
    replace: "",
    tests: ["unit/server/resp/slabs_test.ts"],
  },
  {
    name: "questions-behind-changes",
    mistake: "a question waits until all changes of members before it are done",
    source: "PITFALLS 45",
    file: "server/commands/admin_limit.ts",
    find: "const queue = request.isChange ? this.#changes : this.#questions;",
    replace:
      "const queue = request.isChange || this.#changes.size > 0 ? this.#changes : this.#questions;",
    tests: ["unit/server/commands/admin_limit_test.ts"],
  },
  {
    name: "asked-for-nobody",
    mistake: "what a client asked that has gone is done all the same",
    source: "PITFALLS 33",
    file: "server/commands/admin_limit.ts",
    find: "if (!first.isWanted()) {",
    replace: "if (first.isWanted() === undefined) {",
    tests: ["unit/server/commands/admin_limit_test.ts"],
  },
  {
    name: "tickets-for-visitors",
    mistake: "a kept place is one more place for tickets",
    source: "PITFALLS 45",
    file: places,
    find: "    client.isVisitor = true;\n",
    replace: "",
    tests: placesTests,
  },
];

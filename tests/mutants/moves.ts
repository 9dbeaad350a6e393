// Mistakes about members that have moved: where they are looked for, what is believed, what the
// leader records, and what the log says meanwhile.

import type { Mutant } from "./mutant.ts";

const hints = "raft/hints.ts";
const whereabouts = "raft/net/whereabouts.ts";
const outbound = "raft/net/outbound_handshake.ts";
const dialler = "raft/net/dialler.ts";
const warnings = "raft/net/warnings.ts";
const updates = "raft/members/address_updates.ts";

export const movesMutants: readonly Mutant[] = [
  {
    name: "moved-to-a-mapped-address",
    mistake:
      "a member is recorded at an IPv4 address in IPv6, which hosts without that cannot dial",
    source: "decisions, A member's address follows it",
    file: "raft/net/wire.ts",
    find: "this.remoteHost = plainHost(hostname);",
    replace: "void plainHost, this.remoteHost = hostname;",
    tests: ["unit/raft/net/whereabouts_test.ts"],
  },
  {
    name: "stopped-look-is-a-move",
    mistake:
      "a dial that a change of the configuration cut short undoes that change",
    source: "decisions, A member's address follows it",
    file: "raft/net/dialler.ts",
    find: "!over.aborted && !signal.aborted && !this.isThere;",
    replace: "!over.aborted && !this.isThere;",
    tests: ["unit/raft/net/dialler_test.ts"],
  },
  {
    name: "hints-not-asked",
    mistake: "a member that finds nobody does not ask where --join leads",
    source: "PITFALLS 44",
    file: hints,
    find: "    this.#isAsking = true;\n    void this.#askAll();\n",
    replace: "    this.#isAsking = false;\n",
    tests: ["unit/raft/hints_test.ts"],
  },
  {
    name: "hint-of-first-address",
    mistake: "of a name behind which all nodes are, one address alone is asked",
    source: "PITFALLS 44",
    file: hints,
    find: "found.slice(0, addressesMax)",
    replace: "found.slice(0, 1)",
    tests: ["unit/raft/hints_test.ts"],
  },
  {
    name: "hint-anywhere",
    mistake: "a hint makes a node dial what no client may make it dial",
    source: "THREATS, The raft port",
    file: hints,
    find:
      "return faultToDial(address) === undefined ? { id, address } : undefined;",
    replace: "return { id, address };",
    tests: ["unit/raft/hints_test.ts"],
  },
  {
    name: "hints-without-pause",
    mistake: "a node that misses another asks at --join as often as it dials",
    source: "OPERATING, A new address",
    file: hints,
    find: "else if (quietMillis < this.#pauseMillis) return;",
    replace: "else if (quietMillis < 0) return;",
    tests: ["unit/raft/hints_test.ts"],
  },
  {
    name: "unknown-disk-followed",
    mistake:
      "a member whose disk is not known is looked for where anybody says",
    source: "PITFALLS 17",
    file: whereabouts,
    find: 'if (members.incarnationOf(id) === "") return [];',
    replace: "",
    tests: ["unit/raft/net/whereabouts_test.ts"],
  },
  {
    name: "first-address-of-a-name",
    mistake: "of a name with several addresses one alone is dialled",
    source: "OPERATING, A new address",
    file: outbound,
    find: "for (const each of found) {",
    replace: "for (const each of found.slice(0, 1)) {",
    tests: ["unit/raft/net/dialler_test.ts"],
  },
  {
    name: "dead-dialled-hard",
    mistake: "a dead address is dialled once a second for ever",
    source: "OPERATING, A new address",
    file: dialler,
    find: "Math.max(retryMaxMillis, longest)",
    replace: "retryMaxMillis",
    tests: ["unit/raft/net/dialler_test.ts"],
  },
  {
    name: "proxy-loses-its-place",
    mistake: "an address that works again is reported as left",
    source: "OPERATING, A new address",
    file: dialler,
    find: "        if (there !== undefined) {\n",
    replace: "        if (there !== undefined && over.aborted) {\n",
    tests: ["unit/raft/net/dialler_test.ts"],
  },
  {
    name: "void-dialled-to-the-end",
    mistake:
      "a node dials a silent address to the end while the member stands at the door",
    source: "OPERATING, A new address",
    file: dialler,
    find: "if (signal.aborted || isElsewhere) attempt.abort();",
    replace: "if (signal.aborted) attempt.abort();",
    tests: ["unit/raft/net/dialler_test.ts"],
  },
  {
    name: "connection-cut-by-its-record",
    mistake: "a move that is recorded cuts the connection to the member",
    source: "OPERATING, A new address",
    file: dialler,
    find:
      "if (this.#at === undefined || !isSame(address, this.#at)) return false;",
    replace:
      "if (this.#at === undefined || isSame(address, this.#at)) return false;",
    tests: ["unit/raft/net/dialler_test.ts"],
  },
  {
    name: "warned-at-every-try",
    mistake: "a dead address gives a line in the log at every dial",
    source: "OPERATING, Logs",
    file: warnings,
    find:
      "    if (now - known.warnedMillis < this.#options.faultMillis) return;\n",
    replace: "",
    tests: ["unit/raft/net/warnings_test.ts"],
  },
  {
    name: "well-at-every-try",
    mistake:
      "a connection that comes and goes gives a line in the log each time",
    source: "OPERATING, Logs",
    file: warnings,
    find: "if (text === undefined || !isDue) return;",
    replace: "if (text === undefined) return;",
    tests: ["unit/raft/net/warnings_test.ts"],
  },
  {
    name: "moves-one-by-one",
    mistake: "members that have swapped their addresses are never recorded",
    source: "PITFALLS 44",
    file: updates,
    find: "const moves = soundMoves(current, wanted);",
    replace:
      "const moves = soundMoves(current, new Map([...wanted].slice(0, 1)));",
    tests: ["unit/raft/members/address_updates_test.ts"],
  },
  {
    name: "working-address-left",
    mistake:
      "a member moves at the word of another one, though the leader reaches it",
    source: "OPERATING, A new address",
    file: updates,
    find: "if (this.#options.reachesDirectly(id)) {",
    replace: 'if (id === "") {',
    tests: ["unit/raft/members/address_updates_test.ts"],
  },
  {
    name: "move-of-another-disk",
    mistake: "a move is recorded for a disk that is not the member's",
    source: "PITFALLS 17",
    file: updates,
    find: "if (server === undefined || server.incarnation !== incarnation) {",
    replace: "if (server === undefined) {",
    tests: ["unit/raft/members/address_updates_test.ts"],
  },
  {
    name: "moves-kept-to-itself",
    mistake: "a follower tells the leader of no move but the leader's own",
    source: "PITFALLS 44",
    file: updates,
    find: "else if (leaderId !== undefined && !this.#asks.has(id)) {",
    replace: "else if (leaderId === id && !this.#asks.has(id)) {",
    tests: ["unit/raft/members/address_updates_test.ts"],
  },
  {
    name: "leader-asked-at-every-report",
    mistake:
      "a follower asks the leader about a move each time that it sees it",
    source: "OPERATING, A new address",
    file: updates,
    find: "else if (leaderId !== undefined && !this.#asks.has(id)) {",
    replace: "else if (leaderId !== undefined) {",
    tests: ["unit/raft/members/address_updates_test.ts"],
  },
  {
    name: "moves-of-a-former-office",
    mistake: "a leader records what was reported to it when it led before",
    source: "PITFALLS 25",
    file: updates,
    find: 'if (this.#raft.role !== "leader") return this.#reported.clear();',
    replace: 'if (this.#raft.role !== "leader") return;',
    tests: ["unit/raft/members/address_updates_test.ts"],
  },
];

// Mistakes between nodes, put back: which nodes are believed, and what is kept for them.

import type { Mutant } from "./mutant.ts";

const hello = "raft/identity/hello.ts";
const admission = "raft/identity/admission.ts";
const inbound = "raft/net/inbound_handshake.ts";
const table = "raft/net/connection_table.ts";
const dialler = "raft/net/dialler.ts";
const keepalive = "raft/net/keepalive.ts";
const peers = "raft/net/peers.ts";
const link = "raft/net/link.ts";
const frame = "raft/net/frame.ts";

export const peersMutants: readonly Mutant[] = [
  {
    name: "cluster-unchecked",
    mistake: "a node of another cluster is let in",
    source: "PITFALLS 29, 30",
    file: admission,
    find:
      'if (!isProved(proof, { meeting, statement: "dialler knows the cluster" })) {',
    replace: "if (proof.length === 0 || meeting === undefined) {",
    tests: [
      "unit/raft/identity/admission_test.ts",
      "unit/raft/net/handshake_test.ts",
    ],
  },
  {
    name: "receiver-unchecked",
    mistake:
      "a node lets in a dialler that looks for another node at its address",
    source: "PITFALLS 29",
    file: admission,
    find: "if (receiver !== own.node) {",
    replace: "if (receiver === '') {",
    tests: [
      "unit/raft/identity/admission_test.ts",
      "unit/raft/net/handshake_test.ts",
    ],
  },
  {
    name: "talks-to-itself",
    mistake: "a node lets in a dialler that has its own id",
    source: "PITFALLS 29, 30",
    file: admission,
    find: "if (sender === own.node) {",
    replace: "if (sender === '') {",
    tests: [
      "unit/raft/identity/admission_test.ts",
      "unit/raft/net/handshake_test.ts",
    ],
  },
  {
    name: "incarnation-unchecked",
    mistake: "a wiped node is let in under its id, and votes again",
    source: "PITFALLS 17, 30",
    file: admission,
    find: 'if (rank === "stranger") {',
    replace: 'if (rank === "stranger" && id === "") {',
    tests: [
      "unit/raft/identity/admission_test.ts",
      "unit/raft/net/handshake_test.ts",
    ],
  },
  {
    name: "newer-disk-refused",
    mistake: "a node that is behind refuses its leader on a new disk",
    source: "PITFALLS 17",
    file: "raft/identity/peer_ranks.ts",
    find: 'if (proof.since > members.decidedIndex) return "claimant";',
    replace: 'if (proof.since < 0) return "claimant";',
    tests: ["unit/raft/identity/peer_ranks_test.ts"],
  },
  {
    name: "any-node-is-welcome",
    mistake: "a dialler proves its disk to any node that answers",
    source: "PITFALLS 29",
    file: admission,
    find:
      "if (isProved(challenge.proof, { meeting, statement })) return undefined;",
    replace: "if (meeting && statement) return undefined;",
    tests: [
      "unit/raft/identity/admission_test.ts",
      "unit/raft/net/handshake_test.ts",
    ],
  },
  {
    name: "version-unchecked",
    mistake: "a handshake of a newer version is read as if it were ours",
    source: "PITFALLS 16, 29",
    file: hello,
    find: 'if (version !== wireVersion) return { type: "foreign", version };',
    replace: 'if (version < wireVersion) return { type: "foreign", version };',
    tests: ["unit/raft/identity/hello_test.ts"],
  },
  {
    name: "anything-passed-on",
    mistake: "what a node calls its address is shown and told whatever it is",
    source: "OPERATING, Looking at a cluster",
    file: hello,
    find: "const canDial = /^[!-~]+$/.test(client) &&",
    replace: 'const canDial = client !== "" &&',
    tests: ["unit/raft/identity/hello_test.ts"],
  },
  {
    name: "stranger-says-nothing",
    mistake: "a caller that never says hello keeps its connection for ever",
    source: "PITFALLS 33",
    file: inbound,
    find: "const timer = setTimeout(() => wire.close(), this.#helloMillis);",
    replace: "const timer = setTimeout(() => {}, this.#helloMillis);",
    tests: ["unit/raft/net/acceptor_test.ts"],
  },
  {
    name: "strangers-without-limit",
    mistake: "callers that say nothing keep the nodes out",
    source: "PITFALLS 33",
    file: inbound,
    find: "this.#unauthenticated.add(wire, wire.remoteHost)?.close();",
    replace: "void this.#unauthenticated.add(wire, wire.remoteHost);",
    tests: ["unit/raft/net/acceptor_test.ts"],
  },
  {
    name: "sender-unchecked",
    mistake: "a peer may speak in another's name, or to another",
    source: "PITFALLS 29",
    file: peers,
    find: "if (from !== sender || to !== this.#self) {",
    replace: "if (from === '' || (to === '' && sender === '')) {",
    tests: ["unit/raft/net/peers_test.ts"],
  },
  {
    name: "frames-never-received",
    mistake: "messages are decoded and never handed on",
    source: "promise 5",
    file: peers,
    find:
      "return this.#closing ? undefined : this.#options.receive(message, proof);",
    replace: "return undefined;",
    tests: ["unit/raft/net/peers_test.ts"],
  },
  {
    name: "stopped-dialler-connects",
    mistake:
      "a connection to an address that is given up stays beside the new one",
    source: "PITFALLS 29",
    file: dialler,
    find: "if (signal.aborted) found?.wire.close();",
    replace: "if (found === undefined) void 0;",
    tests: ["unit/raft/net/dialler_test.ts"],
  },
  {
    name: "stopped-dialler-dials",
    mistake:
      "a node that stops dials a member that may have moved, and waits for it",
    source: "OPERATING, Stopping",
    file: dialler,
    find: "      if (signal.aborted) return undefined;\n",
    replace: "",
    tests: ["unit/raft/net/dialler_test.ts"],
  },
  {
    name: "old-holder-kept",
    mistake: "the former holder of an id keeps its connection",
    source: "PITFALLS 17, 30",
    file: table,
    find: 'if (rank === "stranger") wire.close();',
    replace: "",
    tests: ["unit/raft/net/connection_table_test.ts"],
  },
  {
    name: "silence-unnoticed",
    mistake: "a connection on which nothing comes is kept for ever",
    source: "PITFALLS 6",
    file: keepalive,
    find: "if (silent && !late) {",
    replace: "if (silent && late && !late) {",
    tests: ["unit/raft/net/keepalive_test.ts"],
  },
  {
    name: "queue-unbounded",
    mistake: "what waits for a peer that never reads grows without end",
    source: "PITFALLS 6",
    file: link,
    find: "if (this.#bytes + frame.length > queueBytesMax) return false;",
    replace: "",
    tests: ["unit/raft/net/link_test.ts"],
  },
  {
    name: "two-writes-at-once",
    mistake: "a second write begins on a connection before the first is done",
    source: "PITFALLS 4",
    file: link,
    find:
      "if (wire === undefined || wire.busy || this.#queue.length === 0) return;",
    replace: "if (wire === undefined || this.#queue.length === 0) return;",
    tests: ["unit/raft/net/link_test.ts"],
  },
  {
    name: "frame-without-checksum",
    mistake: "a damaged message is taken for a good one",
    source: "PITFALLS 8",
    file: frame,
    find: "if (crc32(payload) !== checksum) {",
    replace: "if (crc32(payload) < 0) {",
    tests: ["unit/raft/net/frame_test.ts"],
  },
  {
    name: "frame-without-limit",
    mistake: "a frame may announce any length",
    source: "PITFALLS 33",
    file: frame,
    find: "if (length > this.payloadBytesMax) {",
    replace: "if (length > this.payloadBytesMax && length < 0) {",
    tests: ["unit/raft/net/frame_test.ts"],
  },
  {
    name: "stranger-moves-member",
    mistake: "another disk under a member's id says where that member is",
    source: "PITFALLS 29",
    file: dialler,
    find:
      "if (wire?.proof.isOn(members().incarnationOf(id))) return { wire, at };",
    replace: 'if (wire !== undefined && id !== "") return { wire, at };',
    tests: ["unit/raft/net/dialler_test.ts"],
  },
  {
    name: "one-address-for-two",
    mistake: "a member moves to where another one is",
    source: "PITFALLS 29",
    file: "raft/members/moves.ts",
    find: "if (taken.has(address)) {",
    replace: 'if (taken.has(address) && id === "") {',
    tests: ["unit/raft/members/moves_test.ts"],
  },
  {
    name: "move-told-too-late",
    mistake: "a leader is told of a move whatever has been decided since",
    source: "PITFALLS 25",
    file: "raft/members/address_updates.ts",
    find: "if (prevIndex !== BigInt(membership.currentIndex)) {",
    replace: "if (prevIndex > BigInt(membership.currentIndex)) {",
    tests: ["unit/raft/members/address_updates_test.ts"],
  },
];

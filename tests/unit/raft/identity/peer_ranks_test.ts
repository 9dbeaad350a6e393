// What another node is to this one, by what it proved and by what the configurations say.

import assert from "node:assert/strict";
import {
  honestProof,
  type Members,
  noMembers,
  type PeerProof,
  rankOf,
  sinceOf,
} from "../../../../raft/identity/peer_ranks.ts";
import { cluster, disk, knowing, living, own } from "./identities.ts";

Deno.test("rankOf() tells members, those that may become it, and all other nodes apart", () => {
  const known = knowing("2", disk);
  const newer = { since: 6, knowsUs: true };
  const cases: [string, PeerProof, Members, ReturnType<typeof rankOf>][] = [
    ["2", living(disk), known, "known"],
    ["2", living("9"), known, "stranger"],
    ["2", living("9"), knowing("2", ""), "unproved"],
    ["3", living(disk), known, "stranger"],
    // A claim of a newer configuration counts only from a node that knows our disk.
    ["2", living("9", { since: 2 ** 53 - 1 }), known, "stranger"],
    ["3", living("9", { since: 2 ** 53 - 1 }), known, "stranger"],
    ["2", living("9", newer), known, "claimant"],
    ["3", living("9", newer), known, "claimant"],
    ["2", living("9", { ...newer, since: 5 }), known, "stranger"],
    ["3", living("9", { ...newer, since: 5 }), known, "outsider"],
    ["3", living("9", { since: 1 }), noMembers, "stranger"],
    ["3", living("9", { since: 1, knowsUs: true }), noMembers, "claimant"],
  ];
  for (const [id, proof, members, rank] of cases) {
    assert.equal(rankOf(id, proof, members), rank, `${id} ${rank}`);
  }
});

Deno.test("A member that only an older configuration names is known, for it may lead by that", () => {
  // The newest, which leaves 2 out, was never committed.
  const members: Members = {
    configurationIndex: 9,
    decidedIndex: 5,
    incarnationOf: () => "",
    disksOf: (id) => id === "2" ? [disk] : [],
  };
  assert.equal(rankOf("2", living(disk), members), "known");
  // What others claim is compared with what was decided.
  const claims = living("9", { knowsUs: true, since: 6 });
  assert.equal(rankOf("3", claims, members), "claimant");
});

Deno.test("sinceOf() claims a membership only for the very disk that the configuration names", () => {
  assert.equal(sinceOf(own, knowing("1", own.incarnation)), 5);
  assert.equal(sinceOf(own, knowing("1", "other")), 0);
  assert.equal(sinceOf(own, noMembers), 0);
  const identity = { cluster, node: "2", incarnation: disk };
  const proof = honestProof({ identity, members: knowing("1", "x") }, own);
  assert.equal(proof.knowsUs, false);
});

// What a node says when another cluster holds it for a member: only an operator knows which of
// the two clusters must not run, so the line names both cases.

import assert from "node:assert/strict";
import { HostNotices } from "../../../raft/host_notices.ts";

Deno.test("A claim by another cluster names what to do for a recovered node and for a lost disk", () => {
  const lines: string[] = [];
  const notices = new HostNotices((_, line) => lines.push(line));
  notices.claimed("3", { isSoleVoter: true, core: { id: "1" } });
  const [line = ""] = lines;
  assert.match(
    line,
    /If node 1 was recovered or restored, stop node 3 and empty its directory\./,
  );
  assert.match(line, /If the data of node 1 were lost, stop node 1, send RAFT/);
  assert.equal(line.includes("\n"), false);
});

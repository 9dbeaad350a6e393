// What a node says when another cluster holds it for a member.

import assert from "node:assert/strict";
import { HostNotices } from "../../../raft/host_notices.ts";

Deno.test("A node that may have been recovered is not told to lose its data", () => {
  const lines: string[] = [];
  const notices = new HostNotices((level, text) =>
    lines.push(`${level} ${text}`)
  );
  const node = { isSoleVoter: true, core: { id: "1" } };
  notices.claimed("2", undefined);
  notices.claimed("2", { ...node, isSoleVoter: false });
  assert.equal(lines.join(), "", "it is not alone");
  notices.claimed("2", node);
  notices.claimed("2", node);
  assert.equal(lines.length, 1, "anybody could fill the log");
  const [recovered, lost] = lines[0]!.split("data were lost");
  assert.match(
    recovered!,
    /^error .*holds node 1 .*recovered or restored.*stop that one, and leave this/,
  );
  assert.match(lost!, /RAFT\.REMOVESERVER 1 to node 2.*empty directory/);
});

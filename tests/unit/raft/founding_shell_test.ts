// A node that founds with others: it says nothing before its draft is durable, goes on with
// the draft of its directory, and refuses one that is another node's.

import assert from "node:assert/strict";
import type { NodeOptions } from "../../../raft/channel/messages.ts";
import { Founding } from "../../../raft/founding.ts";
import { Joining } from "../../../raft/joining.ts";
import { identify } from "../../../raft/resume_or_join.ts";
import { draftText } from "../../../raft/members/proposal.ts";
import { Memory, type Retained } from "../../../storage/memory.ts";
import { until } from "../../lib/until.ts";
import { freePort } from "../../lib/ports.ts";

const options: NodeOptions = {
  ...{ id: "1", raftListen: { host: "127.0.0.1", port: 1 }, advertise: ":1" },
  ...{ clientAddress: ":2", version: "1", expect: 2, nonvoter: false },
  ...{ join: [`127.0.0.1:${freePort()}`], joinTimeoutMillis: 60_000 },
  ...{ directory: "data/1", storage: "file", durability: "high" },
  ...{ heartbeatMillis: 100, electionMillis: 300, forward: "yes" },
  ...{ lends: true, sequencesMax: 10, aheadMax: 9, peersMax: 64 },
  ...{ logLevel: "info", logFormat: "text" },
};
const asker = { node: "2", incarnation: "2".repeat(16) };
const proposal = {
  cluster: "c".repeat(32),
  founders: [
    { id: "1", address: ":1", incarnation: "1".repeat(16) },
    { id: "2", address: ":2", incarnation: asker.incarnation },
  ],
};
const agreed = draftText({
  node: "1",
  incarnation: "1".repeat(16),
  accepted: proposal,
  former: [],
  hasLog: false,
});

function foundingOn(
  retained: Retained,
  { some = {} as Partial<NodeOptions>, defer = queueMicrotask } = {},
) {
  const stop = new AbortController();
  const storage = new Memory(retained, { defer });
  const { signal } = stop;
  const node = { ...options, ...some };
  const founding = new Founding(node, { log() {}, signal, storage });
  const joining = new Joining(node, { log() {}, signal, asking() {} });
  const identified = () =>
    identify(undefined, { options: node, founding, joining, log() {} });
  return { founding, stop, identified };
}

Deno.test("A node tells others nothing before its draft is durable", async () => {
  const retained: Retained = { state: undefined };
  const waiting: (() => void)[] = [];
  const { founding, stop } = foundingOn(retained, {
    defer: (run) => waiting.push(run),
  });
  founding.load({ hasLog: false });
  assert.equal(founding.answer(asker, undefined), undefined);
  const result = founding.result();
  assert.equal(founding.answer(asker, undefined), undefined);
  await until("the draft is written", () => waiting.length > 0);
  assert.equal(founding.answer(asker, undefined), undefined);
  waiting.shift()!();
  await until("it answers", () => founding.answer(asker, undefined));
  const told = new Map(founding.answer(asker, undefined));
  assert.equal(told.get("state"), "waiting");
  const { incarnation } = founding.draft!;
  assert.equal(told.get("incarnation"), incarnation);
  assert(retained.draft?.startsWith(`node 1 ${incarnation}\n`));
  stop.abort(new Error("stopped"));
  await assert.rejects(result, /stopped/);
});

Deno.test("A node goes on with the draft of its directory, and writes it again", async () => {
  const retained: Retained = { state: undefined, draft: agreed };
  let writes = 0;
  const { founding, stop } = foundingOn(retained, {
    defer: (run) => queueMicrotask(() => (writes++, run())),
  });
  founding.load({ hasLog: false });
  const result = founding.result();
  await until("it answers", () => founding.answer(asker, undefined));
  assert.equal(writes, 1);
  const told = new Map(founding.answer(asker, undefined));
  assert.match(told.get("accepted")!, /^c{32} 1 :1 1{16} 2 :2 2{16}$/);
  stop.abort(new Error("stopped"));
  await assert.rejects(result, /stopped/);
});

Deno.test("A draft of another node, or one that nobody knows, is refused", () => {
  const refused = (draft: string, message: RegExp) => {
    const { founding } = foundingOn({ state: undefined, draft });
    assert.throws(() => founding.load({ hasLog: false }), message);
  };
  refused(
    agreed.replace("node 1", "node 2"),
    /belongs to node 2, not to node 1/,
  );
  refused("strange", /is not one that this ticketd knows/);
});

Deno.test("A directory whose log is gone, and with it its votes, is refused (PITFALLS 17)", async () => {
  const retained: Retained = { state: undefined, draft: agreed };
  const { founding } = foundingOn(retained);
  founding.load({ hasLog: true });
  await founding.begun(proposal.cluster);
  assert.equal(retained.draft, agreed.replace("\n", "\nlog\n"));
  const { founding: next } = foundingOn(retained);
  next.load({ hasLog: true });
  assert.equal(next.draft?.hasLog, true);
  const { founding: gone } = foundingOn(retained);
  assert.throws(
    () => gone.load({ hasLog: false }),
    /the log of node 1 is gone from data\/1, and with it the node's votes/,
  );
});

Deno.test("A node that has agreed to found with others does not found alone", async () => {
  const alone = { some: { expect: 1, join: [] } };
  const { founding, identified } = foundingOn(
    { state: undefined, draft: agreed },
    alone,
  );
  founding.load({ hasLog: false });
  await assert.rejects(identified(), /has agreed to found cluster c{32} with/);
});

Deno.test("A node that founds a cluster alone beyond loopback is told what its loss would do", async () => {
  const warningsAt = async (host: string): Promise<string[]> => {
    const lines: string[] = [];
    const raftListen = { host, port: 1 };
    const { signal } = new AbortController();
    const node = {
      ...options,
      advertise: "h:1",
      expect: 1,
      join: [],
      raftListen,
    };
    const log = (level: string, text: string) => {
      if (level === "warning") lines.push(text);
    };
    const storage = new Memory();
    const founding = new Founding(node, { log, signal, storage });
    const joining = new Joining(node, { log, signal, asking() {} });
    await identify(undefined, { options: node, founding, joining, log });
    return lines;
  };
  assert.deepEqual(await warningsAt("127.0.0.1"), []);
  for (const host of ["", "10.0.0.1"]) {
    const [line, more] = await warningsAt(host);
    assert.match(line!, /gives numbers again from 1.*--bootstrap-expect N/);
    assert.equal(more, undefined);
  }
});

Deno.test("A directory keeps its incarnation, whatever its node does next", async () => {
  const draft = "node 1 1111111111111111\n";
  const alone = { some: { expect: 1, join: [] } };
  const { founding, identified } = foundingOn(
    { state: undefined, draft },
    alone,
  );
  founding.load({ hasLog: false });
  const saved = await identified();
  assert.equal(saved.identity.incarnation, "1".repeat(16));
  assert.equal(saved.hardState.currentTerm, 1);
});

Deno.test("A member does without a draft that is unsound", async () => {
  const retained: Retained = { state: undefined, draft: "strange" };
  const lines: string[] = [];
  const storage = new Memory(retained);
  const { signal } = new AbortController();
  const log = (level: string, text: string) =>
    void lines.push(`${level} ${text}`);
  const founding = new Founding(options, { log, signal, storage });
  founding.load({ hasLog: true });
  await founding.begun(proposal.cluster);
  assert.match(lines.join(), /^warning goes on without its founding draft: /);
  assert.equal(retained.draft, "strange");
});

import assert from "node:assert/strict";
import { checkTickets } from "../checker.ts";
import { e2e } from "./harness.ts";

e2e("smoke", async (lab) => {
  const cluster = await lab.cluster(3);
  const load = lab.load(cluster.servers);
  await load.more(2000);
  const leader = await cluster.leader();
  await leader.kill();
  await load.more(2000);
  await Promise.all(cluster.running.map((s) => s.kill()));
  await Promise.all(cluster.servers.map((s) => s.start()));
  await load.more(2000);
  checkTickets(await load.stop());
  console.log(load.refusals, load.tickets.length, load.largest);
});

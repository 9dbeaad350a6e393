// `deno task start`: one node on this machine, with any flags of ticketd behind it. Its data
// lie in ./data. This process supervises the node, which must not run on when `npx` or the
// task is killed. A service needs no such supervisor: start it with `deno run` itself.

import { Supervisor } from "./supervisor.ts";

const supervisor = new Supervisor([Deno.args], [
  "--v8-flags=--max-semi-space-size=4",
]);
const [end] = await supervisor.ends();
Deno.exit(end?.code);

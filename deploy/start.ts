// One node on this machine: `deno task start`, with any flags of ticketd behind it. Its
// data lie in ./data. A process of its own keeps it, so that it does not live on when
// `npx` or the task is killed; a service is started with `deno run` itself.

import { Keeper } from "./keeper.ts";

const keeper = new Keeper([Deno.args], ["--v8-flags=--max-semi-space-size=4"]);
const [end] = await keeper.ends();
Deno.exit(end?.code);

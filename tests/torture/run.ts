// One torture run, inside its namespaces: a cluster of each size one after the other, fault
// after fault until the time is up, a line for each, a table at the end. The run fails if a
// promise is broken, if a fault comes out otherwise than expected, or if it proves nothing.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { randomOf } from "../lib/random.ts";
import { within } from "../lib/until.ts";
import { command } from "./command.ts";
import type { Fault } from "./fault.ts";
import { faults } from "./faults.ts";
import { Network } from "./network.ts";
import { type Options, sizes } from "./options.ts";
import { Report } from "./report.ts";
import { Scene } from "./scene.ts";

/** Each cluster size's share of the time. */
const shares: Record<number, number> = { 3: 0.75, 1: 0.1, 5: 0.15 };
/** A fault that takes longer has failed; most take some seconds. */
const faultMillisMax = 120_000;

/** Runs the whole of it until `stop`, and returns the exit code. */
export async function torture(
  options: Options,
  stop: AbortSignal,
): Promise<number> {
  const report = new Report();
  try {
    // The names of network namespaces go there, where no other process must see them.
    await command("mount", "-t", "tmpfs", "tmpfs", "/run");
    const network = await Network.make(Math.max(...sizes));
    console.log(`seed ${options.seed}`);
    const all = options.nodes.reduce((sum, size) => sum + shares[size]!, 0);
    for (const size of options.nodes) {
      if (stop.aborted) break;
      const seconds = options.seconds * shares[size]! / all;
      await stretch({ size, seconds, options, network, report, stop });
    }
    console.log(report.text);
    report.mustProve(stop.aborted);
    return 0;
  } catch (error) {
    console.log(report.text);
    const reason = error instanceof Error ? error.stack : String(error);
    console.error(`FAILED: ${reason}`);
    console.error(`again: deno task torture ${again(options)}`);
    return 1;
  }
}

type Stretch = {
  readonly size: number;
  readonly seconds: number;
  readonly options: Options;
  readonly network: Network;
  readonly report: Report;
  readonly stop: AbortSignal;
};

/** Founds one cluster, tortures it and ends it. */
async function stretch(
  { size, seconds, options, network, report, stop }: Stretch,
): Promise<void> {
  const { only, skip } = options;
  const plan = faults.filter(({ name, nodesMin, nodesMax = size }) =>
    nodesMin <= size && size <= nodesMax && name.startsWith(only) &&
    (skip === "" || !name.startsWith(skip))
  );
  if (plan.length === 0) return;
  const deadline = performance.now() + seconds * 1000;
  const directory = `${options.inside}/${size}`;
  await Deno.mkdir(directory);
  const random = randomOf(options.seed * 8 + size);
  const { figures } = report;
  const scene = await Scene.found(size, {
    network,
    directory,
    random,
    figures,
  });
  console.log(`${report.clock} ${size} nodes serve`);
  try {
    await scene.clients.more(1000);
    await scene.sequenceClients.begun();
    scene.clients.takeLongestOutage();
    for (const fault of order(plan, { rounds: options.rounds, random })) {
      if (performance.now() >= deadline || stop.aborted) break;
      if (random(4) === 0) await scene.snapshot(scene.pick(scene.servers));
      const seen = await inTime(fault, scene);
      scene.sequenceClients.check();
      report.add(fault, { seen, outage: scene.clients.takeLongestOutage() });
    }
    report.elections += await scene.elections();
    if (options.canary) sing(scene);
    const faults = await scene.end();
    if (faults.length > 0) throw new Error(faults.join("\n"));
  } finally {
    await scene.abort();
    for (const { checker } of scene.sequences) report.count(checker);
    console.log(`${report.clock} ${scene.sequenceClients.told}`);
  }
}

/** Each fault once, in random order, then any of them for ever; or each `rounds` times. */
function* order(
  plan: readonly Fault[],
  { rounds, random }: {
    rounds: number | undefined;
    random: (below: number) => number;
  },
): Iterable<Fault> {
  const shuffled = (deck: Fault[]) =>
    deck.map((fault) => ({ fault, at: random(2 ** 30) }))
      .toSorted((a, b) => a.at - b.at).map(({ fault }) => fault);
  for (let i = 0; i < (rounds ?? 1); i++) yield* shuffled([...plan]);
  while (rounds === undefined) {
    yield* shuffled(
      plan.flatMap((fault) => Array<Fault>(fault.weight).fill(fault)),
    );
  }
}

async function inTime(fault: Fault, scene: Scene): Promise<string> {
  const options = { millisMax: faultMillisMax };
  try {
    return await within("the fault is over", fault.run(scene), options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${fault.name} (${scene.size} nodes; expected: ${fault.expected}): ${reason}`,
      { cause: error },
    );
  }
}

/** The canary repeats a ticket: a checker that does not report it is worth nothing. */
function sing({ checker }: Scene): void {
  const { largest } = checker;
  const line = checker.line();
  checker.answers(line, { first: largest, last: largest, floor: 0 });
}

function again({ seed, only, skip, nodes, rounds, canary }: Options): string {
  return [
    ...["--seed", seed],
    ...only === "" ? [] : ["--only", only],
    ...skip === "" ? [] : ["--skip", skip],
    ...nodes.length > 1 ? [] : ["--nodes", nodes[0]],
    ...rounds === undefined ? [] : ["--rounds", rounds],
    ...canary ? ["--canary"] : [],
  ].join(" ");
}

// `ticketd recover`: the majority of a cluster is lost for good, and this node's data are what
// is left. Shows what they hold and what they may lack, asks, and makes the node the only voter
// of a new cluster whose numbers begin further on. The old data are copied first. A crash leaves
// the old log or the new one. Not here: which state is written (`new_cluster.ts`), and how
// (`storage/replace.ts`, `storage/kv_storage.ts`).
//
//   exit code 0  recovered
//             1  refused, or the answer was another one, and nothing was changed; or a fault
//                of the disk

import { exitCodes } from "../base/exit_codes.ts";
import { findServer, isNamed } from "../raft/core/membership.ts";
import type { Saved } from "../raft/core/types.ts";
import { denoFiles, type Files } from "../storage/files.ts";
import { openKv } from "../storage/kv.ts";
import { replaceLog } from "../storage/replace.ts";
import { keepCopy } from "./copy.ts";
import { type LogState, stateOf } from "./log_state.ts";
import { listed, shown } from "./log_text.ts";
import { newIdentity, raised, recovered } from "./new_cluster.ts";
import { type NodeData, readData } from "./node_data.ts";
import { findNode, type NodePlace, type ToolNode } from "./node_place.ts";
import { needRight } from "./rights.ts";
import { survivorLines } from "./survivor.ts";
import type { Terminal } from "./terminal.ts";

/** The command line. */
export type RecoverOptions = {
  readonly node: ToolNode;
  /** How many numbers the lost nodes may have given that this one knows nothing of. */
  readonly skip: bigint;
  /** Whether the operator need not be asked. */
  readonly yes: boolean;
};

/** Carries it out; its exit code. */
export async function recover(
  options: RecoverOptions,
  terminal: Terminal,
): Promise<number> {
  try {
    const place = findNode(options.node, (line) => terminal.error(line));
    needRight("write", options.node.dir);
    const files = denoFiles(place.directory);
    files.lock();
    try {
      return await recoverIn(place, { files, options, terminal });
    } finally {
      files.unlock();
    }
  } catch (error) {
    terminal.error(error instanceof Error ? error.message : String(error));
    return exitCodes.fault;
  }
}

async function recoverIn(
  place: NodePlace,
  { files, options, terminal }: {
    readonly files: Files;
    readonly options: RecoverOptions;
    readonly terminal: Terminal;
  },
): Promise<number> {
  const data = await readData(place);
  const { saved, state } = recoverable(data);
  const { skip } = options;
  const { node } = saved.identity;
  const address = findServer(state.configuration, node)?.address ??
    options.node.advertise;
  const identity = newIdentity(node);
  // Before any question: it may refuse the skip.
  const next = recovered(saved, { skip, identity, address });
  for (const line of survivorLines(data, { saved, state, skip })) {
    terminal.out(line);
  }
  if (!options.yes) {
    const answer = await terminal.ask(
      `Type the node's id, ${node}, to make it the only voter of a new cluster:`,
    );
    if (answer?.trim() !== node) {
      const why = answer === undefined
        ? "nobody answered (a script says --yes)"
        : "that is not its id";
      terminal.error(`${why}; nothing was changed`);
      return exitCodes.fault;
    }
  }
  const copy = keepCopy(files);
  terminal.out(`the old data are kept in ${copy}`);
  await write(next, data, files);
  terminal.out(
    `node ${node} is the only voter of the new cluster ${identity.cluster}: ` +
      listed(
        [...raised(state.highest, { type: "skip", count: skip })]
          .map(([name, last]) => `${shown(name)} goes on above ${last}`),
      ),
  );
  terminal.out("next: start it as before;");
  terminal.out(
    "  empty the directories of all other nodes, then start them with --join",
  );
  return exitCodes.done;
}

/** @throws {Error} if there is nothing to recover, or nothing to recover from */
function recoverable(data: NodeData): { saved: Saved; state: LogState } {
  const { state: saved, refusal, path } = data;
  if (saved === undefined) {
    const why = refusal ?? `${path} holds no data of a node`;
    throw new Error(`${why}. Nothing was recovered: see ticketd check`);
  }
  const state = stateOf(saved);
  const { node, incarnation } = saved.identity;
  const { configuration } = state;
  const { servers } = configuration;
  if (servers.length === 0) {
    throw new Error(
      `node ${node} knows no members and no numbers: it has not joined a cluster yet. ` +
        "Recover another node, or restore a backup",
    );
  }
  const [voter, ...others] = servers.filter(({ suffrage }) =>
    suffrage === "voter"
  );
  const isItself = isNamed(configuration, { id: node, incarnation });
  if (voter?.id === node && others.length === 0 && isItself) {
    throw new Error(
      `node ${node} is the only voter of its cluster, so no majority is lost: start it`,
    );
  }
  return { saved, state };
}

async function write(
  next: Saved,
  data: NodeData,
  files: Files,
): Promise<void> {
  if (data.kind === "file") return replaceLog(files, data.number, next);
  // The store takes the lock by itself.
  files.unlock();
  const { directory } = files;
  const storage = await openKv({
    directory,
    node: next.identity.node,
    durability: "high",
    log: () => {},
  });
  try {
    const found = storage.load();
    if (found === undefined || !isSame(found, data.state)) {
      throw new Error(`${data.path} has changed meanwhile; run recover again`);
    }
    await new Promise<void>((resolve, reject) =>
      storage.replace(next, (error) => error ? reject(error) : resolve())
    );
  } finally {
    storage.close();
  }
}

/** Whether nobody has written since `before` was read: one index and term is one log. */
function isSame(found: Saved, before: Saved | undefined): boolean {
  if (before === undefined) return false;
  const [now, then] = [stateOf(found), stateOf(before)];
  return now.lastIndex === then.lastIndex && now.lastTerm === then.lastTerm &&
    found.hardState.currentTerm === before.hardState.currentTerm;
}

// `ticketd backup`: asks a cluster for its numbers and members, through any of its nodes, and
// writes them to a file, to standard output, or as often as `--every` says to a directory. Not
// here: the bytes (`backup_file.ts`), the files (`backup_folder.ts`), and the answer
// (`backup_reply.ts`).
//
// The leader answers after a majority has confirmed it, so that every ticket answered before
// the question is inside. It answers page by page: a sequence of a later page may have gone on
// since the first, or have begun. A backup that fails is tried again, with growing pauses, if
// there are to be more of them; else it is a fault.

import { type Address, formatAddress, withHost } from "../base/address.ts";
import { exitCodes } from "../base/exit_codes.ts";
import { pause } from "../base/pause.ts";
import { type RequestResult, tryRequest } from "../base/resp_client.ts";
import { denoFiles, type Files, writeAll } from "../storage/files.ts";
import { type Backup, encodeBackup } from "./backup_file.ts";
import { nameOf, placeOf, prune, put } from "./backup_folder.ts";
import { BackupReader } from "./backup_reply.ts";
import { listed } from "./log_text.ts";
import type { Terminal } from "./terminal.ts";

/** Milliseconds for one answer: a node looks for a leader for 10 s. */
const answerMillis = 15_000;
/** Milliseconds to the second try, doubled for each one after it … */
const pauseMillis = 1000;
/** … up to this. */
const pauseMillisMax = 60_000;

/** One task of `ticketd backup`. */
export type BackupTask = {
  /** Where a node serves clients. */
  readonly address: Address;
  /** A file, or a directory with `everyMillis`; `undefined`: standard output. */
  readonly path: string | undefined;
  readonly everyMillis: number | undefined;
  /** Backups that stay; `undefined`: all. */
  readonly keep: number | undefined;
};

/** The world outside, which tests play. */
export type BackupWorld = {
  readonly terminal: Pick<Terminal, "error" | "isTerminal">;
  readonly ask: (
    address: Address,
    words: readonly string[],
  ) => Promise<RequestResult>;
  readonly files: (directory: string) => Files;
  /** Writes to standard output. */
  readonly print: (bytes: Uint8Array) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends early when `signal` is aborted. */
  readonly wait: (millis: number, signal: AbortSignal) => Promise<void>;
  /** Aborted when the process is asked to stop. */
  readonly signal: AbortSignal;
};

/** Backs a cluster up; the exit code: 0 when it is done, or was asked to stop. */
export async function backup(
  task: BackupTask,
  world: BackupWorld,
): Promise<number> {
  const { everyMillis } = task;
  if (everyMillis !== undefined) {
    await backUpOften({ ...task, everyMillis }, world);
    return exitCodes.done;
  }
  return await tryOnce(task, world) ? exitCodes.done : exitCodes.fault;
}

/** Aborted when this process is asked to stop, which does not end it by itself any more. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(name, () => stop.abort());
  }
  return stop.signal;
}

/** The world of this process. */
export function realWorld(
  terminal: BackupWorld["terminal"],
  signal: AbortSignal,
): BackupWorld {
  return {
    terminal,
    ask: (address, words) =>
      tryRequest(address, words, { millis: answerMillis, signal }),
    files: denoFiles,
    print: (bytes) => writeAll(Deno.stdout, bytes),
    now: () => Date.now(),
    wait: pause,
    signal,
  };
}

type Repeated = BackupTask & { readonly everyMillis: number };

async function backUpOften(task: Repeated, world: BackupWorld): Promise<void> {
  const { everyMillis } = task;
  const { signal } = world;
  let retryMillis = pauseMillis;
  for (let due = world.now(); !signal.aborted;) {
    const isDone = await tryOnce(task, world);
    if (isDone) {
      retryMillis = pauseMillis;
      due += everyMillis;
      // A machine that slept owes no backups of the time in which it slept.
      due = Math.max(due, world.now());
      await world.wait(due - world.now(), signal);
    } else {
      await world.wait(Math.min(retryMillis, everyMillis), signal);
      retryMillis = Math.min(2 * retryMillis, pauseMillisMax);
    }
  }
}

/** Takes one backup; false if that failed, which the terminal is told. */
async function tryOnce(task: BackupTask, world: BackupWorld): Promise<boolean> {
  const { terminal, now, signal } = world;
  const at = withHost(formatAddress(task.address), "127.0.0.1");
  // Of the many lines of a process that goes on, each has its time.
  const time = () => task.everyMillis === undefined ? "" : `${isoTime(now())} `;
  try {
    const backup = await take(task, world, at);
    const path = keep(backup, task, world);
    const isTold = terminal.isTerminal || task.everyMillis !== undefined;
    if (path !== undefined && isTold) {
      terminal.error(`${time()}wrote ${path}: ${summaryOf(backup)}`);
    }
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    const why = error instanceof Error ? error.message : String(error);
    terminal.error(`${time()}no backup of the cluster at ${at}: ${why}`);
    return false;
  }
}

async function take(
  { address }: BackupTask,
  { ask, now }: BackupWorld,
  from: string,
): Promise<Backup> {
  // By the time before the question: all answered until then is inside.
  const taken = isoTime(now());
  const page = async (...cursor: string[]) => {
    const answer = await ask(address, ["RAFT.BACKUP", ...cursor]);
    if (answer.type === "failure") throw new Error(answer.reason);
    return answer.reply;
  };
  const reader = new BackupReader(await page(), { taken, from });
  while (reader.next !== 0) reader.add(await page(`${reader.next}`));
  return reader.finish();
}

/** Writes `backup` where the task says; the path, unless that is standard output. */
function keep(
  backup: Backup,
  task: BackupTask,
  { files: filesOf, print, terminal }: BackupWorld,
): string | undefined {
  const { path } = task;
  if (path === undefined) {
    print(encodeBackup(backup));
    return undefined;
  }
  if (task.everyMillis === undefined) {
    const { directory, name } = placeOf(path);
    put(backup, filesOf(directory), name);
    return path;
  }
  const files = filesOf(path);
  const name = nameOf(backup);
  put(backup, files, name);
  if (task.keep !== undefined) {
    for (const line of prune(backup, files, task.keep)) terminal.error(line);
  }
  return `${path}/${name}`;
}

function summaryOf({ index, members, sequences }: Backup): string {
  const numbers = listed(
    sequences.map(({ name, last }) => `${name} ${last}`),
  );
  const { length } = members;
  return [
    numbers || "no ticket yet",
    `${length} ${length === 1 ? "member" : "members"}`,
    `index ${index}`,
  ].join(", ");
}

function isoTime(millis: number): string {
  return new Date(millis).toISOString();
}

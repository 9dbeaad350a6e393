// What the tools beside the service are asked to do: the words `status`, `backup`, `restore`,
// `recover`, `check` and `inspect` with their arguments and flags, checked. The tools
// themselves are in `admin/`; `main.ts` hands each of them what is made here.

import type { Bound } from "../admin/new_cluster.ts";
import type { ToolNode } from "../admin/node_place.ts";
import type { Address } from "../base/address.ts";
import { UsageError } from "../base/usage_error.ts";
import { address, flags } from "./flags.ts";
import { reachedAt } from "./own_addresses.ts";
import type { Settings } from "./settings.ts";
import { usageOf, type WordName } from "./words.ts";

/** A tool and all that it needs to know. */
export type ToolTask =
  /** Ask the cluster how it is, through the node that serves clients at `address`. */
  | { readonly type: "status"; readonly address: Address }
  | {
    readonly type: "backup";
    readonly address: Address;
    /** A file, a directory with `everyMillis`, or `undefined` for standard output. */
    readonly path: string | undefined;
    readonly everyMillis: number | undefined;
    /** How many backups stay; `undefined`: all. */
    readonly keep: number | undefined;
  }
  | {
    readonly type: "restore";
    /** The backup. */
    readonly path: string;
    readonly node: ToolNode;
    readonly bound: Bound;
  }
  | {
    readonly type: "recover";
    readonly node: ToolNode;
    readonly skip: bigint;
    /** Ask nothing. */
    readonly yes: boolean;
  }
  | {
    readonly type: "check" | "inspect";
    readonly node: ToolNode;
    readonly json: boolean;
  };

/** The flags of a tool, and its arguments without the word. */
type Given = { readonly settings: Settings; readonly rest: readonly string[] };

/** @throws {UsageError} for missing, wrong or too many arguments and flags. */
export function toolTask(word: ToolTask["type"], given: Given): ToolTask {
  switch (word) {
    case "status":
      return statusTask(given);
    case "backup":
      return backupTask(given);
    case "restore":
      return restoreTask(given);
    case "recover":
      return recoverTask(given);
    case "check":
    case "inspect": {
      const { settings, rest } = given;
      refuseMore(word, rest);
      const json = settings.read("json");
      return { type: word, node: toolNode(settings), json };
    }
    default:
      return word satisfies never;
  }
}

/** A `--` is what `deno task status -- …` puts before the arguments. */
function statusTask({ rest }: Given): ToolTask {
  const [text = flags.saddr.standard, more] = rest.filter((arg) =>
    arg !== "--"
  );
  const parsed = clientAddress(text);
  if (parsed !== undefined && more === undefined) {
    return { type: "status", address: parsed };
  }
  const wrong = JSON.stringify(parsed === undefined ? text : more);
  throw new UsageError(
    `status: ${wrong} is not allowed; use one ${whereToAsk}`,
  );
}

function backupTask({ settings, rest }: Given): ToolTask {
  const [text, path, ...more] = rest;
  if (text === undefined) throw missing("backup", "HOST:PORT");
  refuseMore("backup", more);
  const address = clientAddress(text);
  if (address === undefined) {
    throw new UsageError(
      `backup: ${JSON.stringify(text)} is not allowed; use ${whereToAsk}`,
    );
  }
  const everyMillis = settings.readOr("every", undefined);
  const keep = settings.readOr("keep", undefined);
  if (keep !== undefined && everyMillis === undefined) {
    throw new UsageError("--keep without --every: one backup is one file");
  }
  // A script's variable that was never set: no file, and no standard output either.
  if (path === "") throw missing("backup", "the name of FILE");
  const toFile = path === undefined || path === "-" ? undefined : path;
  if (everyMillis !== undefined && toFile === undefined) {
    throw missing("backup", "the directory for --every");
  }
  return { type: "backup", address, path: toFile, everyMillis, keep };
}

function restoreTask({ settings, rest }: Given): ToolTask {
  const [path, ...more] = rest;
  if (path === undefined) throw missing("restore", "FILE");
  refuseMore("restore", more);
  return {
    type: "restore",
    path,
    node: toolNode(settings),
    bound: boundOf(settings),
  };
}

/** No default: each choice is wrong for somebody, and repeats numbers. */
function boundOf(settings: Settings): Bound {
  const skip = settings.readOr("skip", undefined);
  const above = settings.readOr("above", undefined);
  const bounds: Bound[] = [];
  if (skip !== undefined) bounds.push({ type: "skip", count: skip });
  if (above !== undefined) bounds.push({ type: "above", count: above });
  if (settings.read("exact")) bounds.push({ type: "exact" });
  const [bound, another] = bounds;
  if (bound === undefined) throw missing("restore", "--skip or --above");
  if (another === undefined) return bound;
  throw new UsageError(
    `restore: --${bound.type} and --${another.type} contradict each other; use one`,
  );
}

function recoverTask({ settings, rest }: Given): ToolTask {
  refuseMore("recover", rest);
  const skip = settings.readOr("skip", undefined);
  if (skip === undefined) throw missing("recover", "--skip");
  const yes = settings.read("yes");
  return { type: "recover", node: toolNode(settings), skip, yes };
}

function toolNode(settings: Settings): ToolNode {
  return {
    id: settings.read("id"),
    idGiven: settings.given("id") !== undefined,
    dir: settings.read("dir"),
    storage: settings.read("storage"),
    advertise: settings.readOr("advertise", reachedAt(settings.read("raddr"))),
  };
}

const whereToAsk =
  `HOST:PORT where a node serves clients, such as ${flags.saddr.standard}`;

function clientAddress(text: string): Address | undefined {
  const parsed = address(text);
  return parsed?.port === 0 ? undefined : parsed;
}

/** The fault that `argument` was left out behind `word`. */
function missing(word: WordName, argument: string): UsageError {
  return new UsageError(
    `${word}: ${argument} is missing; usage: ${usageOf(word)}`,
  );
}

/** @throws {UsageError} if `rest`, the arguments that are left, has any. */
export function refuseMore(word: WordName, rest: readonly string[]): void {
  const [arg] = rest;
  if (arg === undefined) return;
  throw new UsageError(
    `${word}: ${JSON.stringify(arg)} is too much; usage: ${usageOf(word)}`,
  );
}

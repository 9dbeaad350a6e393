// Turns command line, environment and files into the task of the process: a node with one
// frozen Config, a tool with its arguments (`tools.ts`), or a text to print. Prints and ends
// nothing itself: `main.ts` does.
//
// Each fault is one line: what was wrong, with which value, and what is allowed. Not here:
// how flags are written (`command_line.ts`), where their values come from (`settings.ts`)
// and what each of them takes (`flags.ts`).

import deno from "../deno.json" with { type: "json" };
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { UsageError } from "../base/usage_error.ts";
import type { NodeOptions, StorageKind } from "../raft/channel/messages.ts";
import { settingsIn } from "./config_file.ts";
import {
  type CommandLine,
  splitCommandLine,
  unknownWord,
} from "./command_line.ts";
import { helpOf, helpText, seeHelp } from "./help.ts";
import { clash, leadsTo, reachedAt } from "./own_addresses.ts";
import { Settings, type Surroundings } from "./settings.ts";
import { textOfFile } from "./permissions.ts";
import { refuseMore, type ToolTask, toolTask } from "./tools.ts";
import { type FlagName, isWord, usageOf, words } from "./words.ts";

/** All that the command line and the environment say of a node, checked. */
export type Config = {
  readonly id: string;
  readonly clientListen: Address;
  /** `auto` is settled by the permissions that the process has. */
  readonly storage: StorageKind | "auto";
  /** Milliseconds that a TICKET may wait for a leader. */
  readonly timeoutMillis: number;
  /** Isolates that serve clients, the main one among them. */
  readonly ioThreads: number;
  readonly limits: ClientLimits;
  /** Addresses of --join that lead to this node itself, and are left out. */
  readonly ownInJoin: readonly string[];
  readonly node: Omit<NodeOptions, "storage" | "peersMax">;
};

/** Limits for all clients together and for each of them. */
export type ClientLimits = {
  readonly clientsMax: number;
  /** Bytes of all buffers. */
  readonly memoryMax: number;
  /** Seconds for which a client may do nothing; Infinity: for ever. */
  readonly idleSeconds: number;
  /** Seconds of silence after which the system asks a client's host whether it lives; 0: never. */
  readonly keepAliveSeconds: number;
};

/** The task that the command line gives the process. */
export type Parsed =
  | { readonly type: "run"; readonly config: Config }
  | ToolTask
  /** To standard output: help or version, as asked for. */
  | { readonly type: "print"; readonly text: string }
  /** One line, to standard error. */
  | { readonly type: "error"; readonly text: string };

/** Milliseconds after which joining is given up. */
const joinTimeoutMillis = 60_000;

/**
 * Tells what the process is to do.
 *
 * @param args those of the process, without its name
 * @param env gives one environment variable; empty counts as not set
 */
export function parseConfig(
  args: readonly string[],
  env: Surroundings["env"],
  { readFile = textOfFile }: Partial<Surroundings> = {},
): Parsed {
  try {
    return parse(args, { env, readFile });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    // A path may have a newline.
    const text = error.message.replace(/\s*[\n\r]\s*/g, " ");
    return { type: "error", text };
  }
}

function parse(args: readonly string[], surroundings: Surroundings): Parsed {
  const line = splitCommandLine(args);
  switch (line.type) {
    case "help":
      return { type: "print", text: helpOf(line.word) };
    case "version":
      return { type: "print", text: versionText };
    case "flags": {
      const { word, rest } = line;
      switch (word) {
        case "help":
          return { type: "print", text: helpAbout(rest) };
        case "version":
          refuseMore(word, rest);
          return { type: "print", text: versionText };
        case "serve": {
          const settings = settingsOf(line, surroundings);
          return { type: "run", config: serveTask(settings, rest) };
        }
        default: {
          const settings = settingsOf(line, surroundings);
          return toolTask(word, { settings, rest });
        }
      }
    }
    default:
      return line satisfies never;
  }
}

/** The flags on the line, in the environment, and in the file that either of them names. */
function settingsOf(
  { word, given }: Extract<CommandLine, { type: "flags" }>,
  surroundings: Surroundings,
): Settings {
  const settings = new Settings(given, surroundings);
  const names: readonly FlagName[] = words[word].flags;
  if (!names.includes("config")) return settings;
  const path = settings.given("config");
  if (path === undefined) return settings;
  settings.read("config");
  settings.addFile(settingsIn(settings.contentOf(path).text, path.text));
  return settings;
}

const versionText = `ticketd ${deno.version}\n`;

/** Of `ticketd help`, with the words behind it. */
function helpAbout([word, ...more]: readonly string[]): string {
  refuseMore("help", more);
  if (word === undefined) return helpText();
  if (!isWord(word)) throw unknownWord(word);
  return helpOf(word);
}

/** Values are judged first: the argument too many may be part of one that has a space. */
function serveTask(settings: Settings, rest: readonly string[]): Config {
  const config = configOf(settings);
  const [arg] = rest;
  if (arg === undefined) return config;
  throw new UsageError(
    isWord(arg)
      ? `'${arg}' stands behind other arguments; write it first: ${
        usageOf(arg)
      }`
      : `${JSON.stringify(arg)} is no flag; ${seeHelp("serve")}`,
  );
}

function configOf(settings: Settings): Config {
  const id = settings.read("id");
  const { clientListen, raftListen } = portsOf(settings);
  const { ownInJoin, ...membership } = membershipOf(settings, clientListen);
  const times = timesOf(settings);
  const advertise = settings.readOr("advertise", reachedAt(raftListen));
  const clientAddress = settings.readOr(
    "advertise-clients",
    reachedAt(clientListen),
  );
  const dir = settings.read("dir");
  return Object.freeze({
    id,
    clientListen,
    storage: settings.read("storage"),
    timeoutMillis: settings.read("timeout"),
    ioThreads: settings.read("io-threads"),
    ownInJoin,
    limits: Object.freeze({
      clientsMax: settings.read("max-clients"),
      memoryMax: settings.read("client-memory"),
      idleSeconds: settings.read("client-idle"),
      keepAliveSeconds: settings.read("keepalive"),
    }),
    node: Object.freeze({
      id,
      raftListen,
      advertise,
      clientAddress,
      version: deno.version,
      ...membership,
      joinTimeoutMillis,
      directory: dir.endsWith("/") ? dir + id : `${dir}/${id}`,
      durability: settings.read("durability"),
      ...times,
      forward: settings.read("forward"),
      aheadMax: settings.read("ahead"),
      sequencesMax: settings.read("max-sequences"),
      lends: settings.read("io-threads") === 1,
      logLevel: settings.read("log-level"),
      logFormat: settings.read("log-format"),
    }),
  });
}

function portsOf(
  settings: Settings,
): { clientListen: Address; raftListen: Address } {
  const clientListen = settings.read("saddr");
  const raftListen = settings.read("raddr");
  if (clash(clientListen, raftListen)) {
    throw new UsageError(
      `--saddr and --raddr: both are ${formatAddress(raftListen)}; ` +
        "use two different ports",
    );
  }
  return { clientListen, raftListen };
}

function membershipOf(
  settings: Settings,
  clientListen: Address,
):
  & Pick<NodeOptions, "join" | "expect" | "nonvoter">
  & Pick<Config, "ownInJoin"> {
  const named = settings.read("join");
  const ownInJoin = named.filter((member) => leadsTo(member, clientListen));
  const join = named.filter((member) => !ownInJoin.includes(member));
  const expect = settings.read("bootstrap-expect");
  if (join.length === 0 && named.length > 0) {
    throw new UsageError(
      `--join ${named[0]} is this node itself; name another member`,
    );
  }
  if (expect > 1) checkFounding(settings, named);
  const nonvoter = settings.read("nonvoter");
  if (nonvoter && join.length === 0) {
    const by = settings.given("nonvoter")?.by;
    throw new UsageError(
      `${by} without --join: the first node of a cluster votes; ` +
        "use --join to name members of one",
    );
  }
  return {
    join: Object.freeze(join),
    expect,
    nonvoter,
    ownInJoin: Object.freeze(ownInJoin),
  };
}

/** @throws {UsageError} when the other flags do not go with `--bootstrap-expect`. */
function checkFounding(settings: Settings, named: readonly string[]): void {
  const { text, by } = settings.given("bootstrap-expect") ??
    { text: "", by: "" };
  const fault = (rest: string) => new UsageError(`${by} ${text} ${rest}`);
  if (named.length === 0) {
    throw fault(
      "without --join: the nodes must find each other; name all of them, this one may " +
        "be among them",
    );
  }
  if (settings.read("nonvoter")) {
    throw fault("with --nonvoter: every founder votes; leave one of them out");
  }
  const { size } = new Set(named.map(spelt));
  if (size > Number(text)) {
    throw fault(
      `with ${size} addresses in --join: two clusters could come of it; give the ` +
        "number of all nodes",
    );
  }
}

/** One spelling for an address that can be spelt in several ways. */
function spelt(text: string): string {
  const { host = "", port = 0 } = parseAddress(text) ?? {};
  const isHere = host === "" || host === "localhost";
  return formatAddress({
    host: isHere ? "127.0.0.1" : host.toLowerCase(),
    port,
  });
}

/** Three heartbeats or more in an election timeout: one may be lost (paper 5.6). */
function timesOf(
  settings: Settings,
): Pick<NodeOptions, "heartbeatMillis" | "electionMillis"> {
  const electionMillis = settings.read("election");
  const third = Math.max(1, Math.floor(electionMillis / 3));
  const heartbeatMillis = settings.given("heartbeat") === undefined
    ? Math.min(settings.read("heartbeat"), third)
    : settings.read("heartbeat");
  if (electionMillis < 3 * heartbeatMillis) {
    throw new UsageError(
      `--election: ${electionMillis}ms is too short for --heartbeat ` +
        `${heartbeatMillis}ms; use at least ${3 * heartbeatMillis}ms`,
    );
  }
  return { heartbeatMillis, electionMillis };
}

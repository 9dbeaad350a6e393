// Turns flags and environment into one frozen Config, or into the text to print
// instead. A flag wins over its variable (TICKETD_ID for --id), which wins over the
// default. Reads, prints and ends nothing itself: `main.ts` does.
//
// Commander splits the command line and writes the help; the values are checked here,
// flag or variable alike, so that each fault is one line: what was wrong, with which
// value, and what is allowed.

import { Command, CommanderError, Option } from "commander";
import deno from "../deno.json" with { type: "json" };
import {
  type Address,
  formatAddress,
  isLoopback,
  parseAddress,
} from "../base/address.ts";
import type { NodeOptions, StorageKind } from "../raft/channel/messages.ts";
import {
  address,
  type Flag,
  flags,
  isEveryInterface,
  isName,
  type Name,
  type Value,
} from "./flags.ts";

export type Config = {
  readonly id: string;
  readonly clientListen: Address;
  /** `auto` is settled by the permissions that the process has. */
  readonly storage: StorageKind | "auto";
  /** How long a TICKET may wait for a leader. */
  readonly timeoutMillis: number;
  /** Isolates that serve clients, the main one among them. */
  readonly ioThreads: number;
  readonly limits: ClientLimits;
  readonly node: Omit<NodeOptions, "storage" | "peersMax">;
};

/** What all clients together, and each of them, may take. */
export type ClientLimits = {
  readonly clientsMax: number;
  /** Bytes of all buffers. */
  readonly memoryMax: number;
  /** Seconds for which a client may do nothing; Infinity: for ever. */
  readonly idleSeconds: number;
};

export type Parsed =
  | { readonly type: "run"; readonly config: Config }
  /** Ask the cluster how it is, through the node that serves clients at `address`. */
  | { readonly type: "status"; readonly address: Address }
  /** To standard output: help or version, as asked for. */
  | { readonly type: "print"; readonly text: string }
  /** One line, to standard error. */
  | { readonly type: "error"; readonly text: string };

const joinTimeoutMillis = 60_000;

/** What is wrong with the command line, in one line. */
class UsageError extends Error {}

/** `args` without program name; `env` gives one environment variable. */
export function parseConfig(
  args: readonly string[],
  env: (name: string) => string | undefined,
): Parsed {
  if (args[0] === "status") return parseStatus(args.slice(1));
  let text = "";
  const command = commandLine((more) => text += more);
  try {
    command.parse(args.map(withTwoDashes), { from: "user" });
    const config = readConfig(command, env);
    const [word] = command.args;
    if (word !== undefined) {
      throw new UsageError(`${JSON.stringify(word)} is no flag; ${seeHelp}`);
    }
    return { type: "run", config };
  } catch (error) {
    if (error instanceof UsageError) {
      return { type: "error", text: error.message };
    }
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { type: "print", text };
    return { type: "error", text: complaint(error.message) };
  }
}

const statusUsage = `Usage: ticketd status [HOST:PORT]

Asks the node that serves clients at HOST:PORT (${flags.saddr.standard}), then
every member of its cluster, and prints a table. Exit code 0 when there is a
leader and every voter answers; else 1, and a line that says what is wrong.`;

/** `args` behind `status`; a `--` is what `deno task status -- …` puts before them. */
function parseStatus(args: readonly string[]): Parsed {
  const words = args.filter((arg) => arg !== "--");
  if (words.some((word) => /^--?h(elp)?$/.test(word))) {
    return { type: "print", text: statusUsage };
  }
  const [text = flags.saddr.standard, more] = words;
  const parsed = address(text);
  const wrong = more ??
    (parsed === undefined || parsed.port === 0 ? text : undefined);
  if (parsed !== undefined && wrong === undefined) {
    return { type: "status", address: parsed };
  }
  const fault = `status: ${JSON.stringify(wrong)} is not allowed; use one ` +
    "HOST:PORT where a node serves clients, such as 127.0.0.1:11001";
  return { type: "error", text: fault };
}

function commandLine(print: (text: string) => void): Command {
  const command = new Command("ticketd")
    .usage(
      "[flags]\n       ticketd status [HOST:PORT]  look at a whole cluster",
    )
    .allowExcessArguments() // to complain about them in our own words
    .version(`ticketd ${deno.version}`, "--version", "print the version")
    .helpOption("-h, --help", "print this")
    .addHelpText("after", helpTail)
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: () => {},
      // Asked of the terminal and the environment otherwise: neither is ours to ask.
      getOutHelpWidth: () => 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  for (const [name, { value, help, standard }] of Object.entries(flags)) {
    const shown = standard === "" ? "" : ` (${standard})`;
    const words = value === "" ? `--${name}` : `--${name} <${value}>`;
    const option = new Option(words, help + shown);
    if (name === "join") option.argParser(appended);
    command.addOption(option);
  }
  return command;
}

const seeHelp = "--help lists all flags";

const helpTail = `
:11001 without a host listens on every interface. Every flag may come from the
environment instead: TICKETD_ID for --id, TICKETD_LOG_LEVEL for --log-level.`;

function appended(text: string, before: string | undefined): string {
  return before === undefined || before === "" ? text : `${before},${text}`;
}

/** Go's way of writing flags, as users of the original have it in their scripts. */
function withTwoDashes(
  arg: string,
  at: number,
  args: readonly string[],
): string {
  const before = /^--?([a-z-]+)$/.exec(args[at - 1] ?? "")?.[1];
  const takesValue = before !== undefined && isName(before) &&
    flags[before].value !== "";
  if (takesValue) return arg; // its value, even so
  return /^-[a-z][a-z-]/.test(arg) ? `-${arg}` : arg;
}

function readConfig(
  command: Command,
  env: (name: string) => string | undefined,
): Config {
  /** What was given for `name`, and by which means; `undefined` when nothing was. */
  const given = (name: Name) => {
    const flag: unknown = command.getOptionValue(camelCase(name));
    if (flag === true) return { text: "yes", by: `--${name}` };
    if (typeof flag === "string") {
      // Commander takes whatever comes next for the value: `--id --saddr :1`.
      const next = /^--?([a-z-]+)/.exec(flag)?.[1];
      if (next !== undefined && isName(next)) throw missing(name);
      return { text: flag, by: `--${name}` };
    }
    const variable = `TICKETD_${name.toUpperCase().replaceAll("-", "_")}`;
    const text = env(variable);
    return text === undefined || text === ""
      ? undefined
      : { text, by: variable };
  };
  const read = <N extends Name>(name: N): Value<N> => {
    const flag: Flag<unknown> = flags[name];
    const { text, by } = given(name) ?? { text: flag.standard, by: name };
    const value = flag.parse(text);
    if (value === undefined) {
      throw new UsageError(
        `${by}: ${JSON.stringify(text)} is not allowed; use ${flag.allowed}`,
      );
    }
    return value as Value<N>;
  };

  const id = read("id");
  const clientListen = read("saddr");
  const raftListen = read("raddr");
  if (clash(clientListen, raftListen)) {
    throw new UsageError(
      `--saddr and --raddr: both are ${formatAddress(raftListen)}; ` +
        "use two different ports",
    );
  }
  const join = read("join");
  const self = join.find((member) => leadsTo(member, clientListen));
  if (self !== undefined) {
    throw new UsageError(
      `--join ${self} is this node itself; name another member`,
    );
  }
  const nonvoter = read("nonvoter");
  if (nonvoter && join.length === 0) {
    throw new UsageError(
      `${
        given("nonvoter")?.by
      } without --join: the first node of a cluster votes; ` +
        "use --join to name members of one",
    );
  }
  const electionMillis = read("election");
  const third = Math.max(1, Math.floor(electionMillis / 3));
  const heartbeatMillis = given("heartbeat") === undefined
    ? Math.min(read("heartbeat"), third)
    : read("heartbeat");
  if (electionMillis < 3 * heartbeatMillis) {
    throw new UsageError(
      `--election: ${electionMillis}ms is too short for --heartbeat ` +
        `${heartbeatMillis}ms; use at least ${3 * heartbeatMillis}ms`,
    );
  }
  const advertise = given("advertise") === undefined
    ? reachedAt(raftListen)
    : read("advertise");
  const clientAddress = given("advertise-clients") === undefined
    ? reachedAt(clientListen)
    : read("advertise-clients");
  const dir = read("dir");
  return Object.freeze({
    id,
    clientListen,
    storage: read("storage"),
    timeoutMillis: read("timeout"),
    ioThreads: read("io-threads"),
    limits: Object.freeze({
      clientsMax: read("max-clients"),
      memoryMax: read("client-memory"),
      idleSeconds: read("client-idle"),
    }),
    node: Object.freeze({
      id,
      raftListen,
      advertise,
      clientAddress,
      version: deno.version,
      join,
      joinTimeoutMillis,
      nonvoter,
      directory: dir.endsWith("/") ? dir + id : `${dir}/${id}`,
      durability: read("durability"),
      heartbeatMillis,
      electionMillis,
      forward: read("forward"),
      lends: read("io-threads") === 1,
      logLevel: read("log-level"),
      logFormat: read("log-format"),
    }),
  });
}

/** Commander's own names of options. */
function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Commander's complaint in one line and in our words. */
function complaint(message: string): string {
  const name = /^error: option '--([a-z-]+) .*missing$/.exec(message)?.[1];
  if (name !== undefined && isName(name)) return missing(name).message;
  const text = message.replace(/^error: /, "").replace("option", "flag");
  return `${text.trim().replace(/\s*[\n\r]\s*/g, " ")}; ${seeHelp}`;
}

function missing(name: Name): UsageError {
  return new UsageError(
    `--${name}: its value is missing; use ${flags[name].allowed}`,
  );
}

/** The host is left out where others could not dial it, to be filled in on joining. */
function reachedAt({ host, port }: Address): string {
  return formatAddress({ host: isEveryInterface(host) ? "" : host, port });
}

function clash(a: Address, b: Address): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || isEveryInterface(a.host) ||
    isEveryInterface(b.host) || (isLoopback(a.host) && isLoopback(b.host));
}

/** Whether who dials `member` here reaches what listens on `own`. */
function leadsTo(member: string, own: Address): boolean {
  const { host, port } = parseAddress(member)!;
  if (port !== own.port) return false;
  const local = isEveryInterface(host) || isLoopback(host);
  if (isEveryInterface(own.host)) return local;
  return dialled(host) === dialled(own.host);
}

/** Where a host without a name of its own is dialled. */
function dialled(host: string): string {
  return isEveryInterface(host) || host === "localhost" ? "127.0.0.1" : host;
}

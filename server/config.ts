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
} from "../raft/address.ts";
import type { NodeOptions, StorageKind } from "../raft/channel.ts";

export type Config = {
  readonly id: string;
  readonly clientListen: Address;
  /** `auto` is settled by the permissions that the process has. */
  readonly storage: StorageKind | "auto";
  readonly node: Omit<NodeOptions, "storage">;
};

export type Parsed =
  | { readonly type: "run"; readonly config: Config }
  /** To standard output: help or version, as asked for. */
  | { readonly type: "print"; readonly text: string }
  /** One line, to standard error. */
  | { readonly type: "error"; readonly text: string };

const joinTimeoutMillis = 60_000;
const addressBytesMax = 255;

/** A flag: how help shows it, how a value is read, and what to say when it is not. */
type Flag<T> = {
  /** Empty: the flag itself says yes, and only its variable can say no. */
  readonly value: string;
  readonly help: string;
  /** What stands when nothing was given, as one would write it. */
  readonly standard: string;
  readonly parse: (text: string) => T | undefined;
  readonly allowed: string;
};

const addressRule = "HOST:PORT, or :PORT for every interface, such as :11001";
const durationRule = "a duration from 1ms to 60s, such as 50ms or 0.5s";

const flags = {
  id: {
    value: "id",
    help: "name of this node in its cluster",
    standard: "1",
    parse: (text) =>
      /^(?!\.\.?$)[A-Za-z0-9._-]{1,64}$/.test(text) ? text : undefined,
    allowed: "1 to 64 letters, digits, dots, underscores and dashes",
  } satisfies Flag<string>,
  saddr: {
    value: "addr",
    help: "where clients are served",
    standard: "127.0.0.1:11001",
    parse: address,
    allowed: addressRule,
  } satisfies Flag<Address>,
  raddr: {
    value: "addr",
    help: "where other nodes are met",
    standard: "127.0.0.1:12001",
    // A port that the system chooses is one that no other node could know.
    parse: (text) => address(text)?.port === 0 ? undefined : address(text),
    allowed: `${addressRule}; port 0 is for --saddr only`,
  } satisfies Flag<Address>,
  join: {
    value: "addr,..",
    help: "client addresses of members of a cluster to join",
    standard: "",
    parse: addresses,
    allowed: "addresses of members, such as 10.0.0.1:11001,10.0.0.2:11001",
  } satisfies Flag<readonly string[]>,
  nonvoter: {
    value: "",
    help: "join without a vote, for good",
    standard: "",
    parse: (text) =>
      text === "yes" ? true : text === "" || text === "no" ? false : undefined,
    allowed: "yes or no",
  } satisfies Flag<boolean>,
  dir: {
    value: "path",
    help: "where the data lie, in DIR/ID",
    standard: "data",
    parse: (text) => text === "" ? undefined : text,
    allowed: "the path of a directory",
  } satisfies Flag<string>,
  durability: {
    value: "level",
    help: "high, medium or low",
    standard: "high",
    ...oneOf("high", "medium", "low"),
  } satisfies Flag<string>,
  storage: {
    value: "kind",
    help: "file, kv or auto",
    standard: "auto",
    ...oneOf("file", "kv", "auto"),
  } satisfies Flag<string>,
  advertise: {
    value: "addr",
    help: "where other nodes dial this one (as --raddr)",
    standard: "",
    parse: dialable,
    allowed: "HOST:PORT as other nodes reach it, such as 10.0.0.1:12001",
  } satisfies Flag<string>,
  heartbeat: {
    value: "time",
    help: "between two signs of life of the leader",
    standard: "50ms",
    parse: durationMillis,
    allowed: durationRule,
  } satisfies Flag<number>,
  election: {
    value: "time",
    help: "silence after which a new leader is elected",
    standard: "300ms",
    parse: durationMillis,
    allowed: durationRule,
  } satisfies Flag<number>,
  "log-level": {
    value: "level",
    help: "debug, info, warning or error",
    standard: "info",
    ...oneOf("debug", "info", "warning", "error"),
  } satisfies Flag<string>,
  "log-format": {
    value: "format",
    help: "text or json",
    standard: "text",
    ...oneOf("text", "json"),
  } satisfies Flag<string>,
};

type Name = keyof typeof flags;
type Value<N extends Name> = Exclude<
  ReturnType<(typeof flags)[N]["parse"]>,
  undefined
>;

/** What is wrong with the command line, in one line. */
class UsageError extends Error {}

/** `args` without program name; `env` gives one environment variable. */
export function parseConfig(
  args: readonly string[],
  env: (name: string) => string | undefined,
): Parsed {
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

function commandLine(print: (text: string) => void): Command {
  const command = new Command("ticketd")
    .usage("[flags]")
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
  const heartbeatMillis = read("heartbeat");
  const electionMillis = read("election");
  if (electionMillis < 3 * heartbeatMillis) {
    throw new UsageError(
      `--election: ${electionMillis}ms is too short for --heartbeat ` +
        `${heartbeatMillis}ms; use at least ${3 * heartbeatMillis}ms`,
    );
  }
  const advertise = given("advertise") === undefined
    ? reachedAt(raftListen)
    : read("advertise");
  const dir = read("dir");
  return Object.freeze({
    id,
    clientListen,
    storage: read("storage"),
    node: Object.freeze({
      id,
      raftListen,
      advertise,
      join,
      joinTimeoutMillis,
      nonvoter,
      directory: dir.endsWith("/") ? dir + id : `${dir}/${id}`,
      durability: read("durability"),
      heartbeatMillis,
      electionMillis,
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

function isName(text: string): text is Name {
  return Object.hasOwn(flags, text);
}

function oneOf<const T extends string>(...values: readonly T[]) {
  return {
    parse: (text: string): T | undefined =>
      values.find((value) => value === text),
    allowed: values.join(", ").replace(/, ([^,]*)$/, " or $1"),
  };
}

function address(text: string): Address | undefined {
  if (text.length > addressBytesMax) return undefined;
  const parsed = parseAddress(text);
  return parsed && Object.freeze(parsed);
}

function addresses(text: string): readonly string[] | undefined {
  const parts = text.split(",").map((part) => part.trim());
  const named = parts.filter((part) => part !== "");
  if (text !== "" && named.length === 0) return undefined; // a script's slip: `$A,$B`
  const good = named.every((part) => (address(part)?.port ?? 0) > 0);
  return good ? Object.freeze(named) : undefined;
}

function dialable(text: string): string | undefined {
  const parsed = address(text);
  if (parsed === undefined || parsed.port === 0) return undefined;
  return isEveryInterface(parsed.host) ? undefined : text;
}

function isEveryInterface(host: string): boolean {
  return host === "" || host === "0.0.0.0" || host === "::";
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

function durationMillis(text: string): number | undefined {
  const match = /^(\d{1,6}(?:\.\d{1,6})?)(ms|s)$/.exec(text);
  if (match === null) return undefined;
  const unitMillis = match[2] === "s" ? 1000 : 1;
  // Six decimals were read: 1.001 * 1000 is not quite 1001.
  const millis = Math.round(Number(match[1]) * unitMillis * 1e6) / 1e6;
  return Number.isInteger(millis) && millis >= 1 && millis <= 60_000
    ? millis
    : undefined;
}

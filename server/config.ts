// Turns flags and environment into one frozen Config, or into the text to print
// instead. A flag wins over its variable (TICKETD_ID for --id), which wins over the
// default. Reads, prints and ends nothing itself: `main.ts` does.
//
// Each fault is one line: what was wrong, with which value, and what is allowed. Not here:
// how flags are written (`command_line.ts`) and what each of them takes (`flags.ts`).

import deno from "../deno.json" with { type: "json" };
import { type Address, formatAddress } from "../base/address.ts";
import type { NodeOptions, StorageKind } from "../raft/channel/messages.ts";
import {
  looksLikeFlag,
  missingValue,
  splitCommandLine,
  UsageError,
} from "./command_line.ts";
import { address, type Flag, flags, type Name, type Value } from "./flags.ts";
import { helpText, seeHelp, statusHelpText } from "./help.ts";
import { clash, leadsTo, reachedAt } from "./own_addresses.ts";

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
  /** Ask the cluster how it is, through the node that serves clients at `address`. */
  | { readonly type: "status"; readonly address: Address }
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
  env: (name: string) => string | undefined,
): Parsed {
  try {
    if (args[0] === "status") return parseStatus(args.slice(1));
    const line = splitCommandLine(args);
    switch (line.type) {
      case "help":
        return { type: "print", text: helpText() };
      case "version":
        return { type: "print", text: `ticketd ${deno.version}\n` };
      case "flags": {
        const config = configOf(new Settings(line.given, env));
        const [word] = line.words;
        if (word === undefined) return { type: "run", config };
        throw new UsageError(`${JSON.stringify(word)} is no flag; ${seeHelp}`);
      }
      default:
        return line satisfies never;
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { type: "error", text: error.message };
  }
}

/** `args` behind `status`; a `--` is what `deno task status -- …` puts before them. */
function parseStatus(args: readonly string[]): Parsed {
  const words = args.filter((arg) => arg !== "--");
  if (words.some((word) => /^--?h(elp)?$/.test(word))) {
    return { type: "print", text: statusHelpText };
  }
  const [text = flags.saddr.standard, more] = words;
  const parsed = address(text);
  const wrong = more ??
    (parsed === undefined || parsed.port === 0 ? text : undefined);
  if (parsed !== undefined && wrong === undefined) {
    return { type: "status", address: parsed };
  }
  throw new UsageError(
    `status: ${
      JSON.stringify(wrong)
    } is not allowed; use one HOST:PORT where a ` +
      "node serves clients, such as 127.0.0.1:11001",
  );
}

/** The value of each flag, from the command line, the environment or its default. */
class Settings {
  readonly #flags: ReadonlyMap<Name, string>;
  readonly #env: (name: string) => string | undefined;

  constructor(
    flags: ReadonlyMap<Name, string>,
    env: (name: string) => string | undefined,
  ) {
    this.#flags = flags;
    this.#env = env;
  }

  /** The text given for `name`, and by which means: `--id`, or `TICKETD_ID`. */
  given(name: Name): { text: string; by: string } | undefined {
    const flag = this.#flags.get(name);
    if (flag !== undefined) {
      if (looksLikeFlag(flag)) throw missingValue(name);
      return { text: flag, by: `--${name}` };
    }
    const by = `TICKETD_${name.toUpperCase().replaceAll("-", "_")}`;
    const text = this.#env(by) ?? "";
    return text === "" ? undefined : { text, by };
  }

  /** @throws {UsageError} when it is not allowed. */
  read<N extends Name>(name: N): Value<N> {
    const flag: Flag<unknown> = flags[name];
    const { text, by } = this.given(name) ?? { text: flag.standard, by: name };
    const value = flag.parse(text);
    if (value !== undefined) return value as Value<N>;
    throw new UsageError(
      `${by}: ${JSON.stringify(text)} is not allowed; use ${flag.allowed}`,
    );
  }

  /** The value of `name`, or `otherwise` if none was given. */
  readOr<N extends Name>(name: N, otherwise: Value<N>): Value<N> {
    return this.given(name) === undefined ? otherwise : this.read(name);
  }
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
  const { host = "", port = 0 } = address(text) ?? {};
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

// Every flag of a node: its default, its line of help, how a value is read and what is
// allowed. Each value is judged alone. Not here: which values fit together (`config.ts`),
// variables and files (`settings.ts`), how flags are written (`command_line.ts`), and the
// flags that only tools take (`tool_flags.ts`).

import { type Address, parseAddress } from "../base/address.ts";
import {
  sequencesMaxDefault,
  sequencesMaxLimit,
} from "../base/sequence_name.ts";
import { isEveryInterface } from "./own_addresses.ts";

const addressBytesMax = 255;

/** How help shows a flag, and how its value is read. */
export type Flag<T> = {
  /** The name of the value in help; empty for a flag that takes none and means yes. */
  readonly value: string;
  readonly help: string;
  /** The default, as one would write it. */
  readonly standard: string;
  /** `undefined` for a value that is not allowed. */
  readonly parse: (text: string) => T | undefined;
  /** The values allowed, in words that follow `use` in a complaint. */
  readonly allowed: string;
  /** Its values are joined by commas: it may be repeated, and be an array in a file. */
  readonly isList?: true;
};

const addressRule = "HOST:PORT, or :PORT for every interface, such as :11001";
const durationRule = "a duration from 1ms to 60s, such as 50ms or 0.5s";

/** How a flag that means yes or no is read; the spellings are those of other programs. */
export const yesOrNo = {
  parse: (text: string): boolean | undefined => {
    if (/^(yes|true|1|on)$/.test(text)) return true;
    return /^(no|false|0|off)$/.test(text) ? false : undefined;
  },
  allowed: "yes or no",
};

/** All flags of a node by their names, in the order of --help. */
export const flags = {
  config: {
    value: "path",
    help: "a TOML file with flags as its keys",
    standard: "",
    parse: (text) => text === "" ? undefined : text,
    allowed: "the path of a file",
  } satisfies Flag<string>,
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
    // No other node could know a port that the system chooses.
    parse: (text) => address(text)?.port === 0 ? undefined : address(text),
    allowed: `${addressRule}; port 0 is for --saddr only`,
  } satisfies Flag<Address>,
  join: {
    value: "addr,..",
    help: "client addresses of members of a cluster to join",
    standard: "",
    parse: addresses,
    allowed: "addresses of members, such as 10.0.0.1:11001,10.0.0.2:11001",
    isList: true,
  } satisfies Flag<readonly string[]>,
  "bootstrap-expect": {
    value: "count",
    help: "nodes that found a cluster together",
    standard: "1",
    parse: (text) => /^[1-9]$/.test(text) ? Number(text) : undefined,
    allowed: "a number from 1 to 9, the same on all nodes",
  } satisfies Flag<number>,
  nonvoter: {
    value: "",
    help: "join without a vote, for good",
    standard: "no",
    ...yesOrNo,
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
  "advertise-clients": {
    value: "addr",
    help: "where clients are sent to this node (as --saddr)",
    standard: "",
    parse: dialable,
    allowed: "HOST:PORT as clients reach it, such as 10.0.0.1:11001",
  } satisfies Flag<string>,
  heartbeat: {
    value: "time",
    help: "between two signs of life of the leader",
    standard: "100ms",
    parse: durationMillis,
    allowed: durationRule,
  } satisfies Flag<number>,
  election: {
    value: "time",
    help: "silence until a new leader is elected",
    standard: "300ms",
    parse: durationMillis,
    allowed: durationRule,
  } satisfies Flag<number>,
  ahead: {
    value: "count",
    help: "numbers that a crash may burn, or auto",
    standard: "auto",
    parse: aheadMax,
    allowed: "auto, or a number from 0 to 1048576",
  } satisfies Flag<number>,
  forward: {
    value: "how",
    help: "TICKETs to the leader: yes, no or moved",
    standard: "yes",
    ...oneOf("yes", "no", "moved"),
  } satisfies Flag<string>,
  timeout: {
    value: "time",
    help: "how long a TICKET may wait for a leader",
    standard: "10s",
    parse: durationMillis,
    allowed: durationRule,
  } satisfies Flag<number>,
  "max-clients": {
    value: "count",
    help: "how many clients may be connected",
    standard: "10000",
    parse: (text) => /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined,
    allowed: "a number from 1 to 999999",
  } satisfies Flag<number>,
  "max-sequences": {
    value: "count",
    help: "how many sequences there may be",
    standard: `${sequencesMaxDefault}`,
    parse: sequencesMax,
    allowed: `a number from 1 to ${sequencesMaxLimit}`,
  } satisfies Flag<number>,
  "client-memory": {
    value: "bytes",
    help: "what the buffers of all clients may take",
    standard: "256MB",
    parse: sizeBytes,
    allowed: "a size from 16MB to 64GB, such as 256MB or 1GB",
  } satisfies Flag<number>,
  "client-idle": {
    value: "time",
    help: "how long a client may do nothing",
    standard: "off",
    parse: (text) => text === "off" ? Infinity : seconds(text),
    allowed: "off, or a duration from 1s to 24h, such as 300s, 5m or 2h",
  } satisfies Flag<number>,
  keepalive: {
    value: "time",
    help: "silence until a client's host is probed",
    standard: "60s",
    parse: (text) => text === "0" ? 0 : seconds(text),
    allowed:
      "0 for never, or a duration from 1s to 24h, such as 300s, 5m or 2h",
  } satisfies Flag<number>,
  "io-threads": {
    value: "count",
    help: "threads that serve clients, for more cores",
    standard: "1",
    parse: (text) => /^([1-9]|1[0-6])$/.test(text) ? Number(text) : undefined,
    allowed: "a number from 1 to 16",
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

/** The name of a node's flag, without dashes. */
export type Name = keyof typeof flags;
function oneOf<const T extends string>(...values: readonly T[]) {
  return {
    parse: (text: string): T | undefined =>
      values.find((value) => value === text) ??
        values.find((value) => value === otherSpelling(text)),
    allowed: values.join(", ").replace(/, ([^,]*)$/, " or $1"),
  };
}

/** The usual word for one that other programs use, and TOML's booleans. */
function otherSpelling(text: string): string | undefined {
  if (text === "warn") return "warning";
  const truth = yesOrNo.parse(text);
  return truth === undefined ? undefined : truth ? "yes" : "no";
}

/** An address with or without a host; `undefined` when it is none, or longer than 255 bytes. */
export function address(text: string): Address | undefined {
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

/** Bytes; a megabyte is 2^20 of them. */
function sizeBytes(text: string): number | undefined {
  const match = /^(\d{1,6})(MB|GB)$/i.exec(text);
  if (match === null) return undefined;
  const unit = match[2]?.toUpperCase() === "GB" ? 1024 : 1;
  const megabytes = Number(match[1]) * unit;
  return megabytes >= 16 && megabytes <= 64 * 1024
    ? megabytes * 1024 * 1024
    : undefined;
}

/** Numbers; `auto` is the most. */
function aheadMax(text: string): number | undefined {
  const most = 2 ** 20;
  const count = text === "auto" ? most : Number(text);
  const isCount = text === "auto" || /^(0|[1-9]\d{0,6})$/.test(text);
  return isCount && count <= most ? count : undefined;
}

function sequencesMax(text: string): number | undefined {
  const count = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : Infinity;
  return count <= sequencesMaxLimit ? count : undefined;
}

/** Seconds of `300s`, `5m` or `24h`, from a second to a day; `undefined` for anything else. */
export function seconds(text: string): number | undefined {
  const match = /^(\d{1,6})([smh])$/.exec(text);
  if (match === null) return undefined;
  const unit = match[2] === "h" ? 3600 : match[2] === "m" ? 60 : 1;
  const count = Number(match[1]) * unit;
  return count >= 1 && count <= 24 * 3600 ? count : undefined;
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

// The reply to each command about sequences, made from a Map in the simplest way: one command
// after the other, MULTI with a copy of the Map that replaces it at the end. For tests that
// compare ticketd's replies with it. It shares no code with the command table.

import { resp } from "./fakes.ts";

type State = {
  lasts: Map<string, bigint>;
  policy: string;
  readonly sequencesMax: number;
};

const int64Max = 2n ** 63n - 1n;
const uint64Max = 2n ** 64n - 1n;
const outOfRange = "-ERR value is not an integer or out of range\r\n";
const aborted =
  "-EXECABORT Transaction discarded because of previous errors.\r\n";

/** One connection to the sequences. */
export class ReplyModel {
  readonly #state: { now: State };
  #watched = new Map<string, bigint | undefined>();
  #queue: (readonly string[])[] | undefined;
  #hasFailed = false;

  constructor(of: { readonly sequencesMax: number } | { now: State }) {
    const { sequencesMax = 0 } = of as { sequencesMax?: number };
    this.#state = "now" in of
      ? of
      : { now: { lasts: new Map(), policy: "any", sequencesMax } };
  }

  /** A further connection to the same. */
  another(): ReplyModel {
    return new ReplyModel(this.#state);
  }

  get lasts(): ReadonlyMap<string, bigint> {
    return this.#state.now.lasts;
  }

  reply(words: readonly string[]): string {
    const [command = ""] = words;
    switch (command) {
      case "MULTI":
        if (this.#queue !== undefined) {
          return "-ERR MULTI calls can not be nested\r\n";
        }
        this.#queue = [];
        return "+OK\r\n";
      case "EXEC":
        return this.#exec();
      case "DISCARD":
        if (this.#queue === undefined) return "-ERR DISCARD without MULTI\r\n";
        this.#forget();
        return "+OK\r\n";
      case "WATCH":
        if (this.#queue !== undefined) {
          return "-ERR WATCH inside MULTI is not allowed\r\n";
        }
        for (const name of words.slice(1)) {
          if (this.#watched.has(name)) continue;
          this.#watched.set(name, this.lasts.get(name));
        }
        return "+OK\r\n";
    }
    if (this.#queue !== undefined) return this.#enqueue(words);
    if (command === "UNWATCH") this.#watched.clear();
    const state = copyOf(this.#state.now);
    const reply = run(words, state);
    if (!reply.startsWith("-")) this.#state.now = state;
    return reply;
  }

  #enqueue(words: readonly string[]): string {
    const error = words[0] === "KEYS"
      ? "-ERR Command not allowed inside a transaction\r\n"
      : faultOf(words) ?? this.#clash(words);
    if (error === undefined) this.#queue?.push(words);
    else this.#hasFailed = true;
    return error ?? "+QUEUED\r\n";
  }

  #clash(words: readonly string[]): string | undefined {
    const all = [...this.#queue ?? [], words];
    const changes = all.some(([word, ...rest]) =>
      (word === "TICKET.RAISE" && rest[1] !== "0") ||
      word === "TICKET.CREATE" || (word === "TICKET.POLICY" && rest.length > 0)
    );
    const looks = all.some(([word, ...rest]) =>
      word === "SCAN" || word === "DBSIZE" || word === "TICKET.LIST" ||
      (word === "TICKET.POLICY" && rest.length === 0)
    );
    return changes && looks
      ? "-ERR SCAN, DBSIZE, TICKET.LIST and TICKET.POLICY look at all sequences: MULTI " +
        "cannot have them beside TICKET.RAISE, TICKET.CREATE or a new policy\r\n"
      : undefined;
  }

  #exec(): string {
    const queue = this.#queue;
    if (queue === undefined) return "-ERR EXEC without MULTI\r\n";
    const watched = this.#watched;
    const hasFailed = this.#hasFailed;
    this.#forget();
    if (hasFailed) return aborted;
    for (const [name, last] of watched) {
      if (this.lasts.get(name) !== last) return "*-1\r\n";
    }
    const state = copyOf(this.#state.now);
    let replies = `*${queue.length}\r\n`;
    for (const [at, words] of queue.entries()) {
      const reply = run(words, state);
      if (reply.startsWith("-")) {
        return "-EXECABORT Transaction discarded because of " +
          `command ${at + 1} of ${queue.length}, ${words[0]}: ` +
          reply.slice("-ERR ".length);
      }
      replies += reply;
    }
    this.#state.now = state;
    return replies;
  }

  #forget(): void {
    this.#queue = undefined;
    this.#hasFailed = false;
    this.#watched = new Map();
  }
}

function copyOf(state: State): State {
  return { ...state, lasts: new Map(state.lasts) };
}

/** The reply to a command whose arguments are wrong, whatever the state. */
function faultOf([command, ...words]: readonly string[]): string | undefined {
  switch (command) {
    case "TICKET":
      return words.at(-2) === "COUNT"
        ? countFault(words.at(-1)!, "COUNT")
        : undefined;
    case "INCRBY":
      return countFault(words[1]!, "INCRBY");
    case "TICKET.RAISE":
      return numberFault(words[1]!, words[2] === "FORCE");
    case "TICKET.CREATE":
      if (words.length === 1) return undefined;
      return words[2] === "0" ? outOfRange : numberFault(words[2]!, false);
    case "SET":
      return "-ERR tickets only rise: SET cannot set a number; see TICKET.RAISE name n, which skips all up to n\r\n";
    case "DECRBY":
      return "-ERR tickets only rise: DECRBY would go back; see TICKET.RAISE, which goes forward\r\n";
    default:
      return undefined;
  }
}

function countFault(text: string, command: string): string | undefined {
  if (text === "x") return outOfRange;
  return Number(text) > 0
    ? undefined
    : `-ERR tickets only rise: ${command} takes 1 or more\r\n`;
}

function numberFault(text: string, isForced: boolean): string | undefined {
  if (text === "x" || BigInt(text) > uint64Max) return outOfRange;
  return BigInt(text) <= int64Max || isForced
    ? undefined
    : `-ERR ${text} is above ${int64Max}, where the integers of many clients end, ` +
      "and tickets never go back: add FORCE if you mean it\r\n";
}

/** The reply to one command; what it does is done to `state`, which is good if that is no error. */
function run(words: readonly string[], state: State): string {
  const fault = faultOf(words);
  if (fault !== undefined) return fault;
  const [command, name = "ticket", ...rest] = words;
  const { lasts } = state;
  const last = lasts.get(name);
  switch (command) {
    case "TICKET": {
      if (name === "COUNT") return take("ticket", block(rest[0]!), state);
      if (rest[0] === "COUNT") return take(name, block(rest[1]!), state);
      return take(name, { count: 1n, most: uint64Max, show: "simple" }, state);
    }
    case "INCR":
    case "INCRBY": {
      const count = BigInt(rest[0] ?? "1");
      return take(name, { count, most: int64Max, show: "integer" }, state);
    }
    case "GET":
      return bulk(last);
    case "TICKET.LAST":
      return `+${last ?? 0n}\r\n`;
    case "TYPE":
      return last === undefined ? "+none\r\n" : "+string\r\n";
    case "TTL":
      return last === undefined ? ":-2\r\n" : ":-1\r\n";
    case "MGET":
      return `*2\r\n${bulk(last)}${bulk(lasts.get(rest[0]!))}`;
    case "EXISTS":
      return `:${
        [name, rest[0]!].filter((name) => lasts.has(name)).length
      }\r\n`;
    case "TICKET.RAISE": {
      const to = BigInt(rest[0]!);
      if (to === 0n) return "+OK\r\n";
      const missing = missingText(name, state);
      if (missing !== undefined) return missing;
      lasts.set(name, last !== undefined && last > to ? last : to);
      return "+OK\r\n";
    }
    case "TICKET.CREATE":
      if (last !== undefined) {
        return `-ERR sequence '${name}' exists already\r\n`;
      }
      if (lasts.size === state.sequencesMax) return noRoomText(name);
      lasts.set(name, BigInt(rest[1] ?? "1") - 1n);
      return "+OK\r\n";
    case "TICKET.POLICY":
      if (words.length === 1) {
        return `$${state.policy.length}\r\n${state.policy}\r\n`;
      }
      state.policy = name;
      return "+OK\r\n";
    case "TICKET.LIST": {
      const found = [...lasts].filter(([name]) => isMatch(name, rest[0]!));
      const parts = found.flatMap(([name, last]) => [name, `${last}`]);
      return `*2\r\n$1\r\n0\r\n${resp(...parts)}`;
    }
    case "SCAN": {
      const found = [...lasts.keys()].filter((name) => isMatch(name, rest[1]!));
      return `*2\r\n$1\r\n0\r\n${resp(...found)}`;
    }
    case "KEYS":
      return resp(...[...lasts.keys()].filter((found) => isMatch(found, name)));
    case "DBSIZE":
      return `:${lasts.size}\r\n`;
    case "PING":
      return "+PONG\r\n";
    case "UNWATCH":
      return "+OK\r\n";
  }
  throw new Error(`no such command: ${words.join(" ")}`);
}

type Take = {
  readonly count: bigint;
  readonly most: bigint;
  readonly show: "simple" | "integer" | "block";
};

function block(count: string): Take {
  return { count: BigInt(count), most: uint64Max, show: "block" };
}

function take(name: string, { count, most, show }: Take, state: State): string {
  const missing = missingText(name, state);
  if (missing !== undefined) return missing;
  const before = state.lasts.get(name) ?? 0n;
  const last = before + count;
  if (last > most) {
    if (show === "integer") {
      return "-ERR increment or decrement would overflow\r\n";
    }
    return count === 1n
      ? `-ERR tickets are exhausted: ${uint64Max} was the last\r\n`
      : `-ERR tickets are exhausted: fewer than ${count} are left\r\n`;
  }
  state.lasts.set(name, last);
  if (show === "integer") return `:${last}\r\n`;
  if (show === "simple") return `+${last}\r\n`;
  return resp(`${before + 1n}`, `${last}`);
}

function missingText(name: string, state: State): string | undefined {
  if (state.lasts.has(name)) return undefined;
  if (state.policy === "created") {
    return `-ERR no sequence '${name}': the policy is 'created', see TICKET.CREATE\r\n`;
  }
  return state.lasts.size < state.sequencesMax ? undefined : noRoomText(name);
}

function noRoomText(name: string): string {
  return `-ERR no sequence '${name}', and no room to begin it: as many exist as ` +
    "--max-sequences allows\r\n";
}

function bulk(last: bigint | undefined): string {
  return last === undefined ? "$-1\r\n" : `$${`${last}`.length}\r\n${last}\r\n`;
}

/** Only patterns whose meaning a regular expression has, too. */
function isMatch(name: string, glob: string): boolean {
  const meaning = glob.replace("*", ".*").replace("?", ".");
  return new RegExp(`^${meaning}$`).test(name);
}

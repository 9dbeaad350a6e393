// Commands that one node forwards to another, and the answers, as bytes: the `data` of
// Forward and ForwardResponse. Both are rare, so they are JSON objects in UTF-8, with a
// command's or answer's own fields. An index is a decimal text, a flag left out is false:
//
//   {"type":"remove-server","id":"c","prevIndex":"7","force":false}
//   {"type":"ok"}   {"type":"lost"}   {"type":"error","text":"server c is no member"}
//
// Input is checked field by field, for another node may be newer, older, or broken. A
// command or a field that this file cannot carry does not compile.

import { decodeJson, encodeJson } from "../../base/json_fields.ts";
import {
  type ChangeCommand,
  type CommandOf,
  error,
  type LeaderAnswer,
  ok,
} from "./change.ts";

/** `undefined`: the field is missing, or not of its type. */
type Reader<Value> = (field: unknown) => Value | undefined;

/** The types of fields that {@linkcode encodeJson} writes so that a reader finds them. */
type Field = string | bigint | boolean;

type Readers<Command> = {
  readonly [Name in Exclude<keyof Command, "type">]: Command[Name] extends Field
    ? Reader<Command[Name]>
    : never;
};

const text: Reader<string> = (field) =>
  typeof field === "string" ? field : undefined;

const flag: Reader<boolean> = (field = false) =>
  typeof field === "boolean" ? field : undefined;

const index: Reader<bigint> = (field) =>
  typeof field === "string" && /^\d{1,20}$/.test(field)
    ? BigInt(field)
    : undefined;

const addition = { id: text, address: text, prevIndex: index };
const forceable = { id: text, prevIndex: index, force: flag };

/** How each field of each command is read. */
const commandReaders: {
  readonly [Type in ChangeCommand["type"]]: Readers<CommandOf<Type>>;
} = {
  "add-voter": addition,
  "add-nonvoter": addition,
  "promote": { id: text, prevIndex: index },
  "demote": forceable,
  "remove-server": forceable,
  "join": {
    id: text,
    address: text,
    incarnation: text,
    cluster: text,
    nonvoter: flag,
  },
  "transfer": { id: text },
  "move": { id: text, address: text, incarnation: text, prevIndex: index },
};

/** How an answer is read, from its field `text`. */
const answerReaders: {
  readonly [Type in LeaderAnswer["type"]]: (text: unknown) => LeaderAnswer;
} = {
  ok: () => ok,
  lost: () => ({ type: "lost" }),
  error: (text) =>
    error(
      typeof text === "string" ? text : "the leader's answer is unreadable",
    ),
};

/** The `data` of a Forward. */
export function encodeCommand(command: ChangeCommand): Uint8Array {
  return encodeJson(command);
}

/** The `data` of a ForwardResponse. */
export function encodeAnswer(answer: LeaderAnswer): Uint8Array {
  return encodeJson(answer);
}

/** Inverts {@linkcode encodeCommand}; `undefined`: no command that this node knows. */
export function decodeCommand(data: Uint8Array): ChangeCommand | undefined {
  const { type, ...fields } = decodeJson(data);
  if (!isKeyOf(commandReaders, type)) return undefined;
  const command: Record<string, unknown> = { type };
  for (const [name, read] of Object.entries(commandReaders[type])) {
    const value = read(fields[name]);
    if (value === undefined) return undefined;
    command[name] = value;
  }
  // There is a reader for each field: the type of `commandReaders` demands it.
  return command as ChangeCommand;
}

/** Inverts {@linkcode encodeAnswer}; an answer of type `error` if the bytes cannot be read. */
export function decodeAnswer(data: Uint8Array): LeaderAnswer {
  const { type, text } = decodeJson(data);
  return answerReaders[isKeyOf(answerReaders, type) ? type : "error"](text);
}

function isKeyOf<Table extends object>(
  table: Table,
  key: unknown,
): key is keyof Table {
  return typeof key === "string" && Object.hasOwn(table, key);
}

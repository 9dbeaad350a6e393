// Log lines of either isolate, to standard error; logtape filters and dispatches, the
// two formats are ours:
//
//   text   2026-11-22T17:05:01.123Z info  node 1: became leader in term 2 key=value
//   json   {"time":…,"level":"info","source":"node 1","text":…, fields…}   one a line
//
// What peers and clients sent may stand in a line, so control characters are escaped:
// nobody can forge a second line or move the terminal's cursor.

import {
  configureSync,
  getLogger,
  type LogRecord,
  type Sink,
} from "@logtape/logtape";
import type { LogFormat, LogLevel } from "./channel.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** Says `text`, a sentence without a full stop, and what a machine may want to read. */
export type Log = (level: LogLevel, text: string, fields?: Fields) => void;

export type LogOptions = {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Who speaks: `node 1`, `server`. */
  readonly source: string;
  /** Takes a whole line; standard error when left out. */
  readonly write?: (line: string) => void;
};

/** Configures the log of this isolate; a later call changes level and format for all. */
export function openLog(options: LogOptions): Log {
  const { level: lowestLevel, source, write = writeStderr } = options;
  const line = options.format === "json" ? jsonLine : textLine;
  const sink: Sink = (record) => write(line(record));
  configureSync({
    reset: true,
    sinks: { stderr: sink },
    loggers: [
      { category: "ticketd", sinks: ["stderr"], lowestLevel },
      // logtape's own troubles, not its greetings.
      { category: "logtape", sinks: ["stderr"], lowestLevel: "error" },
    ],
  });
  const logger = getLogger(["ticketd", source]);
  // `emit` because `logger.info(text)` would take braces in a text for a template.
  return (level, text, fields = {}) =>
    logger.emit({
      timestamp: Date.now(),
      level,
      message: [text],
      rawMessage: text,
      properties: fields,
    });
}

const utf8 = new TextEncoder();

function writeStderr(line: string): void {
  let rest = utf8.encode(line);
  while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
}

function textLine(record: LogRecord): string {
  const level = record.level === "warning" ? "warn" : record.level;
  const fields = Object.entries(record.properties)
    .map(([key, value]) => ` ${key}=${asText(value)}`).join("");
  const line = `${time(record)} ${level.padEnd(5)} ${source(record)}: ` +
    record.message.join("") + fields;
  return line.replace(/\p{Cc}/gu, escaped) + "\n";
}

function jsonLine(record: LogRecord): string {
  const fixed = {
    time: time(record),
    level: record.level,
    source: source(record),
    text: record.message.join(""),
  };
  // First for their place, last for their value: no field takes it from them.
  const line = { ...fixed, ...record.properties, ...fixed };
  return JSON.stringify(line, plain) + "\n";
}

function time(record: LogRecord): string {
  return new Date(record.timestamp).toISOString();
}

function source(record: LogRecord): string {
  return record.category.at(-1) ?? "ticketd";
}

/** Bare when it is one word, as JSON otherwise. */
function asText(value: unknown): string {
  const text = typeof value === "object"
    ? JSON.stringify(value, plain)
    : String(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

/** JSON knows neither tickets (bigint) nor errors. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return value.stack ?? value.message;
  return value;
}

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

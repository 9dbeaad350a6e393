// Log lines of either isolate, to standard error; logtape filters and dispatches, the
// two formats are ours:
//
//   text   2026-11-22T17:05:01.123Z info  node 1: became leader in term 2 key=value
//   json   {"time":…,"level":"info","source":"node 1","text":…, fields…}   one a line
//
// What peers and clients sent may stand in a line, so control characters are escaped:
// nobody can forge a second line or move the terminal's cursor.
//
// To log never waits, whatever becomes of standard error: `log_outlet.ts`. So a process
// that is about to end waits for its `lastWords`.

import {
  configureSync,
  getLogger,
  type LogRecord,
  type Sink,
} from "@logtape/logtape";
import { Outlet } from "./log_outlet.ts";

/** Both isolates log in one format, at one level. */
export type LogLevel = "debug" | "info" | "warning" | "error";
export type LogFormat = "text" | "json";

export type Fields = Readonly<Record<string, unknown>>;

/** Says `text`, a sentence without a full stop, and what a machine may want to read. */
export type Logger = (level: LogLevel, text: string, fields?: Fields) => void;

export type LogOptions = {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Who speaks: `node 1`, `server`. */
  readonly source: string;
  /** Takes a whole line; standard error when left out. */
  readonly write?: (line: string) => void;
};

/** How long a process that ends waits for its last lines to leave. */
export const lastWordsMillis = 250;

/** Configures the log of this isolate; a later call changes level and format for all. */
export function openLog(options: LogOptions): Logger {
  const { level: lowestLevel, source, write } = options;
  const line = options.format === "json" ? jsonLine : textLine;
  gapLine = (dropped) => line(gapRecord(source, dropped));
  const sink: Sink = (record) => {
    if (write !== undefined) return write(line(record));
    standardError.push(line(record), { urgent: record.level === "error" });
  };
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

/**
 * Waits, for a moment, until all lines of this isolate have left it. A file or a terminal
 * takes them at once; a pipe that nobody reads must not keep the process from ending.
 */
export async function lastWords(): Promise<void> {
  await standardError.drained(lastWordsMillis);
}

/** As configured last. */
let gapLine: (dropped: number) => string = () => "";

const standardError = new Outlet({
  write: (bytes) => Deno.stderr.write(bytes),
  gap: (dropped) => gapLine(dropped),
});

/** Whatever the level: lines of that level are missing. */
function gapRecord(source: string, dropped: number): LogRecord {
  const text =
    `dropped ${dropped} log lines, for standard error did not take them`;
  return {
    category: ["ticketd", source],
    level: "warning",
    message: [text],
    rawMessage: text,
    timestamp: Date.now(),
    properties: { dropped },
  };
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

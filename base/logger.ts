// Log lines of any isolate, to standard error. logtape filters and dispatches them; the two
// formats are ours, one line each:
//
//   text   2026-11-22T17:05:01.123Z info  node 1: became leader in term 2 key=value
//   json   {"time":…,"level":"info","source":"node 1","text":…, fields…}
//
// Control characters are escaped, because a line may quote a peer or a client: nobody can
// forge a second line or move the terminal's cursor.
//
// Logging never waits, whatever becomes of standard error (`log_outlet.ts`). A process that is
// about to end must therefore wait for its `lastWords`.

import {
  configureSync,
  getLogger,
  type LogRecord,
  type Sink,
} from "@logtape/logtape";
import { LogOutlet } from "./log_outlet.ts";

/** The lowest level that is logged, the same in all isolates. */
export type LogLevel = "debug" | "info" | "warning" | "error";
/** The format of all lines, the same in all isolates. */
export type LogFormat = "text" | "json";

/** Values for machines; bigints and errors are welcome. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Logs `text`, a sentence without a full stop, with `fields` behind it.
 *
 * @example
 * ```ts
 * log("warning", "slow disk", { millis: 250 });
 * // 2026-11-22T17:05:01.123Z warn  node 1: slow disk millis=250
 * ```
 */
export type Logger = (level: LogLevel, text: string, fields?: Fields) => void;

/** How one source logs. */
export type LogOptions = {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** The part of ticketd that logs: `node 1`, `server`. */
  readonly source: string;
  /** Takes a line with its end; standard error if left out. */
  readonly write?: (line: string) => void;
};

/** Milliseconds that a process which is about to end waits for its last lines to leave. */
export const lastWordsMillis = 250;

/**
 * A logger for one source in this isolate. Each call sets level and format for all loggers of
 * the isolate.
 *
 * @example
 * ```ts
 * const log = openLog({ level: "info", format: "text", source: "node 1" });
 * ```
 */
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
      // logtape's own errors, without its notices.
      { category: "logtape", sinks: ["stderr"], lowestLevel: "error" },
    ],
  });
  const logger = getLogger(["ticketd", source]);
  // `emit`, because `logger.info(text)` would take braces in a text for a template.
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
 * Waits until all lines of this isolate have left it, for {@linkcode lastWordsMillis} at most:
 * a pipe that nobody reads must not keep the process from ending.
 */
export async function lastWords(): Promise<void> {
  await standardError.drained(lastWordsMillis);
}

/** The line for dropped lines, in the format that was set last. */
let gapLine: (dropped: number) => string = () => "";

const standardError = new LogOutlet({
  write: (bytes) => Deno.stderr.write(bytes),
  gap: (dropped) => gapLine(dropped),
});

/** Logged at any level, because lines of that level are missing. */
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
  // Twice: the first sets their place, the last their value, so that no field replaces it.
  const line = { ...fixed, ...record.properties, ...fixed };
  return JSON.stringify(line, plain) + "\n";
}

function time(record: LogRecord): string {
  return new Date(record.timestamp).toISOString();
}

function source(record: LogRecord): string {
  return record.category.at(-1) ?? "ticketd";
}

/** One word as it is, anything else as JSON. */
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

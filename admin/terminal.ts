// The terminal of a tool: lines out, complaints, and a question with its answer. Tools get it
// as an argument, so that tests can read along and answer. The service itself does not use
// it: a node speaks through its log (`base/logger.ts`).

// deno-lint-ignore-file no-console -- this is the terminal

import { exitCodes } from "../base/exit_codes.ts";

/** The words that a tool exchanges with the person, or script, that started it. */
export type Terminal = {
  /** Writes one line of the result, to standard output. */
  out(line: string): void;
  /** Writes one line of complaint, warning or progress, to standard error. */
  error(line: string): void;
  /** A person can be asked, and sees what is written to standard error. */
  readonly isTerminal: boolean;
  /** The line typed after `question`; `undefined` if the input has ended. */
  ask(question: string): Promise<string | undefined>;
};

/** The terminal of this process. */
export const terminal: Terminal = {
  out(line) {
    try {
      console.log(harmless(line));
    } catch {
      // The disk is full. Of a reader that has seen enough (`| head`) Deno says nothing.
      Deno.exit(exitCodes.fault);
    }
  },
  error: (line) => console.error(harmless(line)),
  get isTerminal() {
    return Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
  },
  async ask(question) {
    await writeAll(new TextEncoder().encode(`${harmless(question)} `));
    return await readLine();
  },
};

/**
 * `text` with escapes for all that could steer a terminal: names in a forged log, and answers
 * of whatever server was asked, are words of others.
 */
export function harmless(text: string): string {
  return text.replace(
    // deno-lint-ignore no-control-regex -- these are the ones
    /[\x00-\x09\x0b-\x1f\x7f-\x9f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** To standard error: standard output may be a file. */
async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await Deno.stderr.write(bytes.subarray(at));
  }
}

/** Byte by byte, so that the line after it is left to the next question. */
async function readLine(): Promise<string | undefined> {
  const bytes: number[] = [];
  const byte = new Uint8Array(1);
  while (await Deno.stdin.read(byte) === 1) {
    if (byte[0] === newline) return textOf(bytes);
    if (bytes.length < answerBytesMax) bytes.push(byte[0] ?? 0);
  }
  return bytes.length === 0 ? undefined : textOf(bytes);
}

const newline = 0x0a;
/** The rest of a longer line is dropped. */
const answerBytesMax = 1024;

function textOf(bytes: readonly number[]): string {
  return new TextDecoder().decode(Uint8Array.from(bytes)).replace(/\r$/, "");
}

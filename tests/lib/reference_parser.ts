// The reference that `resp_parser.ts` is compared with: the same grammar, limits and texts,
// written to be read rather than to be fast. Sees all bytes at once; works on a string of
// one character a byte.

export type Parsed = {
  /** Each command's arguments, a character a byte. */
  readonly commands: readonly (readonly string[])[];
  readonly error: string | undefined;
};

class ProtocolError extends Error {}
class NeedMore extends Error {}

const kib64 = 64 * 1024;

export function parseSlowly(input: string): Parsed {
  const commands: string[][] = [];
  let rest = input;
  try {
    while (rest !== "") {
      const [command, after] = rest[0] === "*" ? array(rest) : inline(rest);
      if (command.length > 0) commands.push(command);
      rest = after;
    }
  } catch (error) {
    if (error instanceof ProtocolError) {
      return { commands, error: error.message };
    }
    if (!(error instanceof NeedMore)) throw error;
  }
  return { commands, error: undefined };
}

type Step = [command: string[], after: string];

function array(input: string): Step {
  const header = line(input, "mbulk");
  const count = integer(header.text, "invalid multibulk length");
  if (count > 1024) throw new ProtocolError("invalid multibulk length");
  const command: string[] = [];
  let rest = header.after;
  while (command.length < count) {
    if (rest === "") throw new NeedMore();
    if (rest[0] !== "$") {
      throw new ProtocolError(`expected '$', got '${rest[0]}'`);
    }
    const { text, after } = line(rest, "bulk");
    const length = integer(text, "invalid bulk length");
    if (length < 0 || length > kib64) {
      throw new ProtocolError("invalid bulk length");
    }
    if (input.length - after.length + length > 256 * 1024) {
      throw new ProtocolError("too big command, over 262144 bytes");
    }
    const end = after.slice(length, length + 2);
    if (!"\r\n".startsWith(end)) {
      throw new ProtocolError("expected CRLF after a bulk");
    }
    if (end !== "\r\n") throw new NeedMore();
    command.push(after.slice(0, length));
    rest = after.slice(length + 2);
  }
  return [command, rest];
}

/** The line after its first character, which says what it counts. */
function line(
  input: string,
  what: "mbulk" | "bulk",
): { text: string; after: string } {
  const cr = input.indexOf("\r");
  if (cr > kib64 || (cr < 0 && input.length > kib64)) {
    throw new ProtocolError(`too big ${what} count string`);
  }
  if (cr < 0 || cr + 1 === input.length) throw new NeedMore();
  if (input[cr + 1] !== "\n") {
    throw new ProtocolError(
      `invalid ${what === "mbulk" ? "multibulk" : "bulk"} length`,
    );
  }
  return { text: input.slice(1, cr), after: input.slice(cr + 2) };
}

function integer(text: string, invalid: string): number {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) throw new ProtocolError(invalid);
  return Number(text);
}

function inline(input: string): Step {
  const newline = input.indexOf("\n");
  if (newline > kib64 || (newline < 0 && input.length > kib64)) {
    throw new ProtocolError("too big inline request");
  }
  if (newline < 0) throw new NeedMore();
  const text = input.slice(0, newline).replace(/\r$/, "");
  const words = split(text);
  if (words.length > 1024) throw new ProtocolError("too big inline request");
  return [words, input.slice(newline + 1)];
}

/** sdssplitargs: a bare start, then perhaps one quoted part that must end the word. */
function split(text: string): string[] {
  const words: string[] = [];
  let rest = text.replace(/^[ \t\n\v\f\r]+/, "");
  while (rest !== "") {
    const match =
      /^([^ \t\n\r"']*)(?:"((?:\\[^]|[^\\"])*)"|'((?:\\'|(?!\\')[^'])*)'|(?=[ \t\n\r]|$))(?=[ \t\n\v\f\r]|$)/
        .exec(rest);
    if (match === null) {
      if (words.length >= 1024) break;
      throw new ProtocolError("unbalanced quotes in request");
    }
    const [whole, bare, double, single] = match;
    words.push(
      bare! + (double === undefined ? "" : unescape(double)) +
        (single ?? "").replaceAll("\\'", "'"),
    );
    rest = rest.slice(whole.length).replace(/^[ \t\n\v\f\r]+/, "");
    if (words.length === 1024 && rest !== "") {
      throw new ProtocolError("too big inline request");
    }
  }
  return words;
}

function unescape(text: string): string {
  const letters: Record<string, string> = {
    n: "\n",
    r: "\r",
    t: "\t",
    b: "\b",
    a: "\x07",
  };
  return text.replace(
    /\\(?:x([0-9a-fA-F]{2})|([^]))/g,
    (_, hex: string | undefined, letter: string) =>
      hex === undefined
        ? letters[letter] ?? letter
        : String.fromCharCode(parseInt(hex, 16)),
  );
}

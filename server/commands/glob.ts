// Matches names against patterns as Redis does, without a regular expression: one made of a
// client's bytes can be too large to compile, or take time that grows faster than the pattern.
// Not here: which names are tried.
//
//   *        any bytes, or none         [abc]    one of these
//   ?        any one byte               [a-z]    one from a to z, or from z to a
//   \x       x itself                   [^a-z]   one that is none of these
//
// A class that does not end goes to the end of the pattern. A pattern is read once; to try a
// name then takes at most its length times that of the longest part without a `*`.

/** One place of a pattern: a code, any code, any run of codes, or a class of codes. */
type Part = number | "one" | "run" | Class;

/** The codes of a class, from-to by from-to. */
type Class = {
  readonly ranges: readonly (readonly [from: number, to: number])[];
  readonly isNegated: boolean;
  /** Whether each code below 256 matches, once it was asked for. */
  readonly known: (boolean | undefined)[];
};

/**
 * A pattern, read.
 *
 * @example
 * new Glob("order:[0-9]*").matches("order:7"); // true
 */
export class Glob {
  readonly #parts: readonly Part[];

  constructor(pattern: string) {
    this.#parts = partsOf(pattern);
  }

  /** Whether it matches all of `name`, in the same case. */
  matches(name: string): boolean {
    const parts = this.#parts;
    let at = 0;
    let next = 0;
    // After a mismatch it goes on behind the last `*`, which then stands for one code more.
    let run = -1;
    let runEnd = 0;
    while (at < name.length) {
      const part = parts[next];
      if (part === "run") {
        run = next++;
        runEnd = at;
      } else if (part !== undefined && fits(part, name.charCodeAt(at))) {
        next++;
        at++;
      } else if (run >= 0) {
        next = run + 1;
        at = ++runEnd;
      } else return false;
    }
    while (parts[next] === "run") next++;
    return next === parts.length;
  }
}

/** Whether `pattern` matches all of `name`, whatever the case of both. */
export function matchesInAnyCase(pattern: string, name: string): boolean {
  return new Glob(pattern.toLowerCase()).matches(name.toLowerCase());
}

function fits(part: Exclude<Part, "run">, code: number): boolean {
  if (typeof part === "number") return part === code;
  return part === "one" || isIn(part, code);
}

function isIn({ ranges, isNegated, known }: Class, code: number): boolean {
  const found = known[code];
  if (found !== undefined) return found;
  const isListed = ranges.some(([from, to]) => from <= code && code <= to);
  const result = isListed !== isNegated;
  if (code < 256) known[code] = result; // or a long class would cost its length each time
  return result;
}

function partsOf(pattern: string): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === "*") {
      if (parts.at(-1) !== "run") parts.push("run");
    } else if (char === "?") parts.push("one");
    else if (char === "[") {
      const { part, end } = classAt(pattern, at + 1);
      parts.push(part);
      at = end;
    } else {
      if (char === "\\" && at + 1 < pattern.length) at++;
      parts.push(pattern.charCodeAt(at));
    }
  }
  return parts;
}

/** The class whose first code is at `from`, and where its `]` stands. */
function classAt(
  pattern: string,
  from: number,
): { readonly part: Class; readonly end: number } {
  const ranges: (readonly [number, number])[] = [];
  const isNegated = pattern[from] === "^";
  let at = isNegated ? from + 1 : from;
  for (; at < pattern.length && pattern[at] !== "]"; at++) {
    if (pattern[at] === "\\" && at + 1 < pattern.length) {
      at++;
      ranges.push([pattern.charCodeAt(at), pattern.charCodeAt(at)]);
    } else if (pattern[at + 1] === "-" && at + 2 < pattern.length) {
      const [one, other] = [pattern.charCodeAt(at), pattern.charCodeAt(at + 2)];
      ranges.push([Math.min(one, other), Math.max(one, other)]);
      at += 2;
    } else ranges.push([pattern.charCodeAt(at), pattern.charCodeAt(at)]);
  }
  return { part: { ranges, isNegated, known: [] }, end: at };
}

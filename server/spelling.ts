// Finds the words that a misspelt word may have been meant for: those at the fewest edits
// from it. Used for names of flags (`command_line.ts`), and does not know what they are.
// No dictionary: the few words are given with each call.

/** More edits than this, in letters, make another word of it. */
const editsMax = 3;
/** The part of a word that must stay as it is. */
const sameMin = 0.4;

/** Those of `words` that are closest to `word`, in alphabetical order; none if none is close. */
export function similarTo(word: string, words: readonly string[]): string[] {
  const close = words.map((other) => ({
    other,
    edits: editsBetween(word, other),
    length: Math.max(word.length, other.length),
  })).filter(({ edits, length }) =>
    edits <= editsMax && length - edits > sameMin * length
  );
  const fewest = Math.min(...close.map(({ edits }) => edits));
  return close.filter(({ edits }) => edits === fewest)
    .map(({ other }) => other).toSorted();
}

/**
 * The optimal string alignment distance: letters added, dropped, changed, and neighbours
 * swapped, none of them twice.
 */
function editsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > editsMax) return Infinity;
  /** `rows[i][j]`: the edits from the first `i` letters of `a` to the first `j` of `b`. */
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const changed = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + changed,
        swapped ? at(i - 2, j - 2) + 1 : Infinity,
      ));
    }
  }
  return at(a.length, b.length);
}

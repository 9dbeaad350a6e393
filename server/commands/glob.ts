// Matches a name against a pattern of Redis' kind, `*` and `?` alone: any bytes, and one.
// By hand: a regular expression made of a client's bytes can be too large to compile, or
// take time that grows faster than the pattern. This takes pattern × name at most.

/** Whether `pattern` matches all of `name`, which is in lower case, in whatever case. */
export function matchesGlob(pattern: string, name: string): boolean {
  let at = 0;
  let next = 0;
  // Where to go on after a mismatch: behind the last `*`, which takes one more.
  let star = -1;
  let taken = 0;
  while (at < name.length) {
    const wanted = pattern[next];
    if (wanted === "*") {
      star = next++;
      taken = at;
    } else if (wanted === "?" || wanted?.toLowerCase() === name[at]) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++taken;
    } else return false;
  }
  while (pattern[next] === "*") next++;
  return next === pattern.length;
}

// Matches a name against a pattern of Redis's kind with `*`, any bytes, and `?`, one byte.
// By hand: a regular expression made of a client's bytes can be too large to compile, or
// take time that grows faster than the pattern. This takes pattern × name at most.

/** Whether `pattern`, in upper or lower case, matches all of `name`, which is in lower case. */
export function matchesGlob(pattern: string, name: string): boolean {
  let at = 0;
  let next = 0;
  // After a mismatch it goes on behind the last `*`, which then stands for one byte more.
  let star = -1;
  let starEnd = 0;
  while (at < name.length) {
    const wanted = pattern[next];
    if (wanted === "*") {
      star = next++;
      starEnd = at;
    } else if (wanted === "?" || wanted?.toLowerCase() === name[at]) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++starEnd;
    } else return false;
  }
  while (pattern[next] === "*") next++;
  return next === pattern.length;
}

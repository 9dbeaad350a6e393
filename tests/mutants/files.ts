// Mistakes of the data directory, put back: whose files they are, and what is said of them.

import type { Mutant } from "./mutant.ts";

const files = "storage/files.ts";

export const filesMutants: readonly Mutant[] = [
  {
    name: "short-write",
    mistake: "what one write(2) did not take is left out",
    source: "PITFALLS 3",
    file: files,
    find: "for (let at = 0; at < bytes.length;) {\n    const",
    replace: "for (let at = 0; at < 1;) {\n    const",
    tests: ["unit/storage/files_test.ts"],
  },
  {
    name: "no-handle-is-an-end",
    mistake:
      "a crowd that holds the last file handles for a moment ends the node",
    source: "docs/decisions.md, Clients' sockets are those of `node:net`",
    file: files,
    find:
      "if (!isOutOfHandles(error) || tries === handleTriesMax) throw error;",
    replace:
      "if (isOutOfHandles(error) || tries === handleTriesMax) throw error;",
    tests: ["unit/storage/files_test.ts"],
  },
  {
    name: "written-over",
    mistake:
      "an unfinished file of an earlier start is written over, through whatever it is now",
    source: "PITFALLS 8, 43",
    file: files,
    find: `      if (isFile(path)) Deno.removeSync(path);
      return openPatiently(path, options);`,
    replace:
      "      return Deno.openSync(path, { write: true, create: true, mode: options.mode });",
    tests: ["unit/storage/files_test.ts"],
  },
  {
    name: "moved-directory-created-in",
    mistake: "a segment is made in the directory of a node founded meanwhile",
    source: "PITFALLS 43",
    file: files,
    find: `    this.#checkPlace();
    const options = { write: true, createNew: true, mode: fileMode };`,
    replace:
      `    const options = { write: true, createNew: true, mode: fileMode };`,
    tests: ["unit/storage/files_place_test.ts"],
  },
  {
    name: "moved-directory-renamed-in",
    mistake: "a snapshot replaces the log of a node founded meanwhile",
    source: "PITFALLS 43",
    file: files,
    find: `    this.#checkPlace();
    attempt(
      "rename to",`,
    replace: `    attempt(
      "rename to",`,
    tests: ["unit/storage/files_place_test.ts"],
  },
  {
    name: "moved-during-rename",
    mistake: "a directory that is moved right before a rename goes unnoticed",
    source: "PITFALLS 43",
    file: files,
    find: `    );
    this.#checkPlace();`,
    replace: `    );`,
    tests: ["unit/storage/files_place_test.ts"],
  },
  {
    name: "moved-directory-removed-from",
    mistake: "an old segment is removed that is another node's",
    source: "PITFALLS 43",
    file: files,
    find: `    this.#checkPlace();
    attempt("remove", path, () => Deno.removeSync(path));`,
    replace: `    attempt("remove", path, () => Deno.removeSync(path));`,
    tests: ["unit/storage/files_place_test.ts"],
  },
  {
    name: "another-lock-believed",
    mistake: "a LOCK that somebody made anew is taken for our own",
    source: "PITFALLS 43",
    file: files,
    find: "if (found?.dev === held.dev && found.ino === held.ino) return;",
    replace: "if (found?.dev === held.dev) return;",
    tests: ["unit/storage/files_place_test.ts"],
  },
  {
    name: "readable-by-all",
    mistake: "everybody on the machine may read and replace the log",
    source: "OPERATING, When things fail",
    file: files,
    find: "const directoryMode = 0o700;",
    replace: "const directoryMode = 0o777;",
    tests: ["unit/storage/files_place_test.ts"],
  },
  {
    name: "files-readable-by-all",
    mistake: "everybody who may enter the directory may read the log",
    source: "OPERATING, When things fail",
    file: files,
    find: "export const fileMode = 0o600;",
    replace: "export const fileMode = 0o666;",
    tests: ["unit/storage/files_place_test.ts"],
  },
  {
    name: "planted-link-followed",
    mistake: "a symbolic link in the data directory is written through",
    source: "PITFALLS 43",
    file: "storage/file_faults.ts",
    find: "if (found.isFile) return true;",
    replace: "if (found.isFile || found.isSymlink) return true;",
    tests: ["unit/storage/files_place_test.ts"],
  },
  {
    name: "linked-data-refused",
    mistake: "a ./data that is a link to another disk is refused under -P",
    source: "OPERATING, Permissions",
    file: files,
    find: "if (error instanceof Deno.errors.NotCapable) return undefined;",
    replace: "if (error instanceof Deno.errors.NotFound) return undefined;",
    tests: ["unit/storage/files_place_test.ts"],
  },
  {
    name: "link-to-nowhere-is-a-file",
    mistake: "a --dir whose disk is not mounted is called a file",
    source: "OPERATING, When things fail",
    file: "storage/file_faults.ts",
    find: "const reason = isSymlink && leadsNowhere(path)",
    replace: "const reason = isSymlink && !leadsNowhere(path)",
    tests: ["unit/storage/file_faults_test.ts"],
  },
  {
    name: "wide-open-unsaid",
    mistake: "nobody is told that others may write to the data directory",
    source: "OPERATING, When things fail",
    file: "storage/advice.ts",
    find: "(mode & 0o077) !== 0",
    replace: "(mode & 0o001) !== 0",
    tests: ["unit/storage/advice_test.ts"],
  },
  {
    name: "lock-shared",
    mistake: "the lock is taken, and its refusal overlooked",
    source: "PITFALLS 30",
    file: files,
    find: 'if (!attempt("lock", path, () => file.tryLockSync(true))) {',
    replace:
      'if (attempt("lock", path, () => file.tryLockSync(false)) === undefined) {',
    tests: ["unit/storage/files_test.ts"],
  },
  {
    name: "sync-fault-swallowed",
    mistake: "the fault of a sync never reaches who waits for it",
    source: "PITFALLS 11",
    file: files,
    find: '(error) => done(explained("sync", path, error)),',
    replace: "() => done(),",
    tests: ["unit/storage/files_test.ts"],
  },
];

// Mutants of TICKET.RAISE, TICKET.LAST and RAFT.BACKUP: the entry in the log, the numbers in
// hand beside it, the leader's half, and the connection that waits for the answer.

import type { Mutant } from "./mutant.ts";

const raiseTest = "unit/raft/tickets/raise_test.ts";

export const numbersMutants: readonly Mutant[] = [
  {
  {
    name: "ticket-told-each-time",
    mistake: "the clients' isolates are sent a message for each take",
    source: "PERFORMANCE, What paid",
    file: "raft/stats/status_feed.ts",
    find: "const isTicketDue = this.#ticks >= this.#pauseTicks;",
    replace: "const isTicketDue = this.#ticks >= 0;",
    tests: ["unit/raft/node_test.ts"],
  },
  {
    name: "ticket-never-told",
    mistake: "INFO shows the last ticket of long ago",
    source: "OPERATING, Looking at a cluster",
    file: "raft/stats/status_feed.ts",
    find: "    this.#ticks++;\n",
    replace: "    this.#ticks += 0;\n",
    tests: ["unit/raft/node_test.ts"],
  },
  {
    name: "backup-of-some",
    mistake: "a backup of half the sequences is a backup",
    source: "OPERATING, Backups",
    file: "admin/backup_reply.ts",
    find: "sequences.length < this.#total",
    replace: "sequences.length < 0",
    tests: ["unit/admin/backup_test.ts"],
  },
  {
    name: "backup-without-end",
    mistake: "a page that leads back is asked for again and again",
    source: "OPERATING, Backups",
    file: "admin/backup_reply.ts",
    find: "if (next !== 0 && !isAhead) return refuse();",
    replace: "",
    tests: ["unit/admin/backup_test.ts"],
  },
  {
    name: "backup-believed",
    mistake: "a backup that was changed is read all the same",
    source: "OPERATING, Backups",
    file: "admin/backup_file.ts",
    find: "if (digest !== digestOf(document)) {",
    replace: "if (digest === undefined) {",
    tests: ["unit/admin/backup_file_test.ts"],
  },
  {
    name: "raises-fill-the-log",
    mistake: "a client that raises in a loop fills the log",
    source: "PITFALLS 38",
    file: "raft/tickets/raise_log.ts",
    find: "if (name === undefined || this.#ticksLeft > 0) return;",
    replace: "if (name === undefined) return;",
    tests: ["unit/raft/tickets/raise_test.ts"],
  },
  {
    name: "anything-replaced",
    mistake: "a backup takes the place of any file",
    source: "OPERATING, Backups",
    file: "admin/backup_folder.ts",
    find: "if (files.list()?.includes(name)) mayReplace(backup, files, name);",
    replace: "void mayReplace;",
    tests: ["unit/admin/backup_test.ts"],
  },
  {
    name: "backup-renamed-unsynced",
    mistake: "a power loss leaves an empty file where a backup was",
    source: "PITFALLS 12",
    file: "admin/backup_folder.ts",
    find: "    file.syncNow();\n",
    replace: "",
    tests: ["unit/admin/backup_test.ts"],
  },
  {
    name: "unfinished-backup-of-others",
    mistake: "a backup removes the file FILE.new, whoever's it is",
    source: "OPERATING, Backups",
    file: "admin/backup_folder.ts",
    find: "${name}.${crypto.randomUUID().slice(0, 8)}.new",
    replace: "${name}.new",
    tests: ["unit/admin/backup_test.ts"],
  },
  {
    name: "backups-for-want-of-a-removal",
    mistake:
      "an old backup that cannot be removed has a new one taken each minute",
    source: "OPERATING, Backups",
    file: "admin/backup_folder.ts",
    find:
      "      left.push(`left alone: ${reasonOf(error)}`);\n    }\n  }\n  return left;",
    replace: "      throw error;\n    }\n  }\n  return left;",
    tests: ["unit/admin/backup_test.ts"],
  },
  {
    name: "newest-backup-removed",
    mistake: "a clock that went back costs the backup that was just taken",
    source: "OPERATING, Backups",
    file: "admin/backup_folder.ts",
    find: "name.startsWith(prefixOf(cluster)) && name !== nameOf(newest) &&",
    replace: "name.startsWith(prefixOf(cluster)) &&",
    tests: ["unit/admin/backup_test.ts"],
  },
  {
    name: "damaged-backup-counted",
    mistake: "damaged backups push the sound ones out",
    source: "OPERATING, Backups",
    file: "admin/backup_folder.ts",
    find: "if (found.cluster === cluster) older.push(name);",
    replace: "if (found.cluster !== cluster) older.push(name);",
    tests: ["unit/admin/backup_test.ts"],
  },
];

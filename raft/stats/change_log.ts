// Writes a log line for each change of a node since the last look: role, term, leader,
// members, a disk that hangs. No line on the path of a ticket. Reads the core and
// decides nothing.

import type { Role } from "../core/options.ts";
import type { Raft } from "../core/raft.ts";
import type { Configuration } from "../core/types.ts";
import type { Logger } from "../../base/logger.ts";

/** The log lines about one node's changes. */
export class ChangeLog {
  readonly #raft: Raft;
  readonly #log: Logger;
  // As logged last.
  #role: Role | undefined;
  #leaderId: string | undefined;
  #term = 0;
  #configuration: Configuration | undefined;
  #isStalled = false;

  constructor(raft: Raft, log: Logger) {
    this.#raft = raft;
    this.#log = log;
    this.#configuration = raft.membership.current;
  }

  /** Logs what has changed. */
  report(): void {
    const { role, leaderId, currentTerm } = this.#raft;
    if (
      role !== this.#role || leaderId !== this.#leaderId ||
      currentTerm !== this.#term
    ) this.#reportRole();
    if (this.#raft.membership.current !== this.#configuration) {
      this.#reportMembers();
    }
    if (this.#raft.isStalled !== this.#isStalled) this.#reportStall();
  }

  #reportRole(): void {
    const { role, leaderId, currentTerm: term } = this.#raft;
    const lost = this.#role === "leader" && role !== "leader";
    this.#role = role;
    this.#leaderId = leaderId;
    this.#term = term;
    if (lost) this.#log("warning", `leads no more, in term ${term}`);
    if (role === "leader") this.#log("info", `became leader in term ${term}`);
    else if (leaderId !== undefined) {
      this.#log("info", `follows node ${leaderId} in term ${term}`);
    } else if (role === "candidate") {
      this.#log("info", `stands for election in term ${term}`);
    } else if (role === "preCandidate") {
      this.#log("debug", `asks whether it could be elected after term ${term}`);
    } else this.#log("debug", `has no leader in term ${term}`);
  }

  #reportMembers(): void {
    const { current, currentIndex } = this.#raft.membership;
    this.#configuration = current;
    const servers = current.servers.map((server) =>
      `${server.id} at ${server.address} (${server.suffrage})`
    );
    this.#log(
      "info",
      `members at index ${currentIndex}: ${servers.join(", ")}`,
    );
  }

  #reportStall(): void {
    this.#isStalled = this.#raft.isStalled;
    if (this.#isStalled) {
      this.#log("warning", "the disk has not answered for an election timeout");
    } else this.#log("info", "the disk answers again");
  }
}

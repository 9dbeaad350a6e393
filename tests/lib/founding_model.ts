// Every interleaving of N nodes that found a cluster together, with the production `decide`:
// each reads one answer at a time, acts on what it has read, and loses its disk, in any order.
// Checks each founding, and that nodes which meet no further fault come to an end.
//
// A node that is down, or crashes, needs no action of its own. It is one that others do not
// read, or whose answers were read for nothing: the state without them is reached as well.

import assert from "node:assert/strict";
import {
  type Answer,
  decide,
  type Decision,
} from "../../raft/members/founding.ts";
import {
  type Draft,
  type Proposal,
  withAccepted,
} from "../../raft/members/proposal.ts";

/** A node's disk, and what it has read in the round under way. */
type Node = {
  readonly draft: Draft;
  /** The cluster that it belongs to, as a founder or because that has let it in. */
  readonly cluster: string | undefined;
  /** By place of the other node. */
  readonly read: readonly (Answer | undefined)[];
};

type State = {
  readonly nodes: readonly Node[];
  /** Disks that may yet be lost. */
  readonly wipes: number;
  /** Disks that count as lost, and may come back in the place of what runs there now. */
  readonly away: readonly (Node | undefined)[];
  /** Every founding that ever was, also of disks that are lost. */
  readonly founded: readonly Founding[];
};

type Founding = { readonly disk: string; readonly proposal: Proposal };

const hex = (number: number, digits: number) =>
  number.toString(16).padStart(digits, "0");

export class FoundingModel {
  readonly #count: number;
  #comeBack = false;
  readonly #majority: number;
  readonly #nodes = new Map<string, Node>();
  readonly #keys = new WeakMap<Node, string>();
  readonly #decisions = new WeakMap<Node, Decision>();
  /** By key, the state before it, for the story of a failure. */
  readonly #came = new Map<string, State | undefined>();
  /** How many proposals were made: each gets a cluster of its own. */
  #proposals = 0;
  /** Disks, without rounds, from which the end was looked for. */
  readonly #ended = new Set<string>();
  /** Ends in one cluster, and ends in a wait that people must resolve. */
  readonly ends = { founded: 0, waits: 0 };

  constructor(count: number) {
    this.#count = count;
    this.#majority = Math.floor(count / 2) + 1;
  }

  get states(): number {
    return this.#came.size;
  }

  /**
   * Visits every state that `wipes` lost disks can lead to. `comeBack`: they may come back;
   * where nodes then stand still is not looked at.
   */
  explore(wipes: number, { comeBack = false } = {}): void {
    this.#comeBack = comeBack;
    const nodes = Array.from({ length: this.#count }, (_, i) => fresh(i, 0));
    let open: State[] = [{ nodes, wipes, away: [], founded: [] }];
    this.#came.set(this.#keyOf(open[0]!), undefined);
    this.#assertEnd(open[0]!);
    while (open.length > 0) {
      const next: State[] = [];
      for (const state of open) {
        for (const after of this.#after(state)) {
          const key = this.#keyOf(after);
          if (this.#came.has(key)) continue;
          this.#came.set(key, state);
          if (after.founded !== state.founded) this.#assertSafe(after);
          if (isOnDisk(state, after)) this.#assertEnd(after);
          next.push(after);
        }
      }
      open = next;
    }
  }

  *#after(state: State): Generator<State> {
    for (const [i, node] of state.nodes.entries()) {
      if (state.wipes > 0 && isKnown(state, node)) {
        const wiped = fresh(i, Number(node.draft.incarnation) % 10 + 1);
        const away = this.#comeBack ? state.away.slice() : [];
        if (this.#comeBack) away[i] = { ...node, read: [] };
        yield { ...this.#put(state, i, wiped), wipes: state.wipes - 1, away };
      }
      const back = state.away[i];
      if (back !== undefined) {
        yield { ...this.#put(state, i, back), away: [] };
      }
      if (node.cluster !== undefined) continue;
      for (const j of state.nodes.keys()) {
        if (j === i || node.read[j] !== undefined) continue;
        const read = node.read.slice();
        read[j] = this.#answer(state, { of: j, to: i });
        yield this.#put(state, i, { ...node, read });
      }
      const acted = this.#acted(state, i);
      if (acted !== undefined) yield acted;
    }
  }

  /** `undefined` if it goes on waiting. */
  #acted(state: State, i: number): State | undefined {
    const node = state.nodes[i]!;
    const decision = this.#decisions.get(node) ?? this.#decided(node);
    this.#decisions.set(node, decision);
    const done = { ...node, read: [] };
    switch (decision.type) {
      case "wait":
      case "fault":
        return undefined;
      case "accept": {
        const draft = withAccepted(node.draft, decision.proposal)!;
        return this.#put(state, i, { ...done, draft });
      }
      case "join":
        return this.#put(state, i, { ...done, cluster: decision.cluster });
      case "found": {
        const { proposal } = decision;
        const founding = { disk: node.draft.incarnation, proposal };
        const fault = this.#assertNoSecond(state, founding);
        this.#assert(fault === undefined, state, fault ?? "");
        return {
          ...this.#put(state, i, { ...done, cluster: proposal.cluster }),
          founded: [...state.founded, founding],
        };
      }
    }
  }

  #decided({ draft, read }: Node): Decision {
    const answers = read.filter((answer) => answer !== undefined);
    const self = { draft, address: ":1", expect: this.#count };
    const made = hex(this.#proposals, 32);
    const decision = decide(self, answers, made);
    const isNew = decision.type === "accept" &&
      decision.proposal.cluster === made;
    if (!isNew) return decision;
    return {
      type: "accept",
      proposal: this.#proposed(decision.proposal, draft),
    };
  }

  readonly #made = new Map<string, Proposal>();

  /** The same proposal for the same proposer in the same state, so that states are few. */
  #proposed({ founders }: Proposal, draft: Draft): Proposal {
    const key = JSON.stringify([founders, draft]);
    const proposal = this.#made.get(key) ??
      { cluster: hex(this.#proposals++, 32), founders };
    this.#made.set(key, proposal);
    return proposal;
  }

  #answer(
    { nodes, founded }: State,
    { of, to }: { of: number; to: number },
  ): Answer {
    const { draft, cluster } = nodes[of]!;
    const { node: id, incarnation, accepted } = draft;
    if (cluster === undefined) {
      const founder = { id, address: ":1", incarnation };
      return { type: "waiting", ...founder, expect: this.#count, accepted };
    }
    const asker = nodes[to]!.draft.incarnation;
    const isRevealed = accepted?.cluster === cluster &&
      accepted.founders.some((one) => one.incarnation === asker);
    const alive = founded.filter(({ disk, proposal }) =>
      proposal.cluster === cluster &&
      nodes.some(({ draft }) => draft.incarnation === disk)
    );
    const isLed = alive.length >= this.#majority;
    const proposal = isRevealed ? accepted : undefined;
    return { type: "founded", id, cluster, isLed, proposal };
  }

  // The checks.

  #assertSafe(state: State): void {
    const { founded } = state;
    if (this.#comeBack) {
      const counts = Map.groupBy(founded, ({ proposal }) => proposal.cluster);
      const alive = [...counts.values()].filter((all) =>
        all.length >= this.#majority
      );
      return this.#assert(alive.length < 2, state, "two clusters live");
    }
    for (const { disk: x, proposal: p } of founded) {
      for (const { disk: y, proposal: q } of founded) {
        if (p.cluster >= q.cluster) continue;
        const isBoth = [p, q].every((one) =>
          [x, y].every((disk) => includes(one, disk))
        );
        this.#assert(!isBoth, state, "two disks of both found two clusters");
      }
    }
  }

  /** Nothing is founded beside a cluster that may have given numbers, while a disk of it is left. */
  #assertNoSecond(
    { founded }: State,
    { disk, proposal: q }: Founding,
  ): string | undefined {
    const counts = new Map<Proposal, number>();
    for (const { proposal } of founded) {
      counts.set(proposal, (counts.get(proposal) ?? 0) + 1);
    }
    for (const [p, count] of counts) {
      const isShared = p.founders.some((one) => includes(q, one.incarnation));
      if (p !== q && isShared && count >= this.#majority) {
        return `${disk} begins again at 1 beside disks of a cluster that gave numbers`;
      }
    }
    return undefined;
  }

  /** From here, if nothing goes wrong any more, all come to one cluster or rightly wait. */
  #assertEnd(state: State): void {
    const calm = {
      ...state,
      nodes: state.nodes.map((node) => ({ ...node, read: [] })),
    };
    const key = this.#keyOf({ ...calm, wipes: 0 });
    if (this.#comeBack || this.#ended.has(key)) return;
    this.#ended.add(key);
    const places = [...state.nodes.keys()];
    for (const order of [places, places.toReversed()]) {
      const end = this.#endOf(calm, order);
      const [first] = end.nodes;
      const isOne = first!.cluster !== undefined &&
        end.nodes.every(({ cluster }) => cluster === first!.cluster);
      if (isOne) this.ends.founded++;
      else {
        this.#assert(this.#mustWait(end), end, "stands still for no reason");
        this.ends.waits++;
      }
    }
  }

  #endOf(state: State, order: readonly number[]): State {
    for (let passes = 0; passes < 20; passes++) {
      let isStill = true;
      for (const i of order) {
        const after = this.#round(state, i);
        if (after === undefined) continue;
        state = after;
        isStill = false;
      }
      if (isStill) return state;
    }
    assert.fail("comes to no end");
  }

  /** A whole round of node `i` in one moment. */
  #round(state: State, i: number): State | undefined {
    const node = state.nodes[i]!;
    if (node.cluster !== undefined) return undefined;
    const read = state.nodes.map((_, j) =>
      j === i ? undefined : this.#answer(state, { of: j, to: i })
    );
    return this.#acted(this.#put(state, i, { ...node, read }), i);
  }

  /** So many disks of a proposal are lost that a majority may have been among them. */
  #mustWait({ nodes }: State): boolean {
    const lost = ({ founders }: Proposal) =>
      founders.filter(({ incarnation }) =>
        !nodes.some(({ draft }) => draft.incarnation === incarnation)
      ).length;
    const minority = this.#count - this.#majority;
    return nodes.some(({ draft: { accepted, former } }) =>
      [accepted, ...former].some((one) =>
        one !== undefined && lost(one) > minority
      )
    );
  }

  #assert(isTrue: boolean, state: State, what: string): void {
    if (isTrue) return;
    const story: string[] = [];
    for (
      let at: State | undefined = state;
      at !== undefined;
      at = this.#came.get(this.#keyOf(at))
    ) story.unshift(this.#keyOf(at));
    assert.fail(`${what}:\n${story.join("\n")}`);
  }

  // States as texts.

  /** Equal nodes are one object, so that each decides once. */
  #put(state: State, place: number, node: Node): State {
    const key = this.#nodeKey(node);
    const known = this.#nodes.get(key) ?? node;
    this.#nodes.set(key, known);
    return { ...state, nodes: state.nodes.with(place, known) };
  }

  #keyOf({ nodes, wipes, away, founded }: State): string {
    const foundings = founded.map(({ disk, proposal }) =>
      `${disk.slice(-2)}:${short(proposal.cluster)}`
    );
    return `${wipes} ${
      nodes.map((node) => this.#nodeKey(node)).join(" ")
    } ${foundings.sort().join()} ${
      away.map((node) => node && this.#nodeKey(node)).join()
    }`;
  }

  #nodeKey(node: Node): string {
    const known = this.#keys.get(node);
    if (known !== undefined) return known;
    const { draft, cluster, read } = node;
    const { incarnation, accepted, former } = draft;
    const all = [accepted, ...former].map((one) => short(one?.cluster));
    const key = `${incarnation.slice(-2)}(${all})${short(cluster)}[${
      read.map((answer) => answer === undefined ? "" : this.#answerKey(answer))
    }]`;
    this.#keys.set(node, key);
    return key;
  }

  #answerKey(answer: Answer): string {
    if (answer.type === "waiting") {
      return `${answer.incarnation.slice(-2)}:${
        short(answer.accepted?.cluster)
      }`;
    }
    const { cluster, isLed, proposal } = answer;
    return `${short(cluster)}${isLed ? "!" : ""}${proposal ? "+" : ""}`;
  }
}

function fresh(place: number, life: number): Node {
  const incarnation = `${place + 1}${life}`.padStart(16, "0");
  const node = "abcd"[place]!;
  const draft = {
    ...{ node, incarnation, accepted: undefined, former: [], hasLog: false },
  };
  return { draft, cluster: undefined, read: [] };
}

/** The loss of an empty disk changes nothing, unless another node knows of it. */
function isKnown({ nodes }: State, { draft, cluster }: Node): boolean {
  const { incarnation, accepted } = draft;
  return accepted !== undefined || cluster !== undefined ||
    nodes.some(({ draft: { accepted, former }, read }) =>
      [accepted, ...former].some((one) => one && includes(one, incarnation)) ||
      read.some((answer) =>
        answer?.type === "waiting" && answer.incarnation === incarnation
      )
    );
}

/** Whether more has changed than what a node has read. */
function isOnDisk({ nodes }: State, after: State): boolean {
  return nodes.some(({ draft, cluster }, i) =>
    after.nodes[i]!.draft !== draft || after.nodes[i]!.cluster !== cluster
  );
}

function includes({ founders }: Proposal, disk: string): boolean {
  return founders.some(({ incarnation }) => incarnation === disk);
}

function short(cluster: string | undefined): string {
  return cluster?.replace(/^0+(?=.)/, "") ?? "-";
}

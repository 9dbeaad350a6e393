// The network of a torture run, inside a network namespace of its own: a bridge, one namespace
// and one cable for each node, and the clients on the bridge itself. A partition is a rule of
// the bridge between cables of nodes, so that clients always reach every node.
//
//   clients 10.77.0.254 ─ bridge ─┬─ cable1 ─ n1 10.77.0.1
//                                 └─ cable2 ─ n2 10.77.0.2 …

import { command } from "./command.ts";

const subnet = "10.77.0";
const clientsHost = 254;
/** Ids of nodes are below it; addresses of one node differ by it. */
const hostsMax = 10;
/** Further addresses of a node, all below that of the clients. */
const movesMax = 24;

/** From one node to another, in one direction; ids of nodes. */
export type Way = { readonly from: string; readonly to: string };

/** The bridge and its cables. */
export class Network {
  /** How often each node has moved, up to `movesMax`, and then from 1 on again. */
  readonly #moves = new Map<string, number>();

  /** Makes the network of nodes 1 to `count`. */
  static async make(count: number): Promise<Network> {
    await command("ip", "link", "set", "lo", "up");
    await command("ip", "link", "add", "bridge0", "type", "bridge");
    await command("ip", "link", "set", "bridge0", "up");
    await command(
      ...["ip", "address", "add", `${subnet}.${clientsHost}/24`],
      ...["dev", "bridge0"],
    );
    for (let id = 1; id <= count; id++) {
      const [space, cable] = [`n${id}`, `cable${id}`];
      await command("ip", "netns", "add", space);
      await command(
        ...["ip", "link", "add", cable, "type", "veth"],
        ...["peer", "name", "eth0", "netns", space],
      );
      await command("ip", "link", "set", cable, "master", "bridge0", "up");
      const inside = ["ip", "-n", space];
      await command(
        ...[...inside, "address", "add", `${subnet}.${id}/24`, "dev", "eth0"],
      );
      await command(...inside, "link", "set", "eth0", "up");
      await command(...inside, "link", "set", "lo", "up");
    }
    await rules(
      "add table bridge torture",
      "add chain bridge torture cut { type filter hook forward priority 0; }",
    );
    return new Network();
  }

  /**
   * Gives node `id` another address besides `host`, in place of the one that it was given so
   * before: packets to that one go nowhere.
   */
  async move(id: string): Promise<string> {
    const inside = ["ip", "-n", `n${id}`, "address"];
    const before = this.#moves.get(id) ?? 0;
    const moves = before % movesMax + 1;
    this.#moves.set(id, moves);
    const hostOf = (moves: number) =>
      `${subnet}.${Number(id) + moves * hostsMax}`;
    if (before > 0) {
      await command(...inside, "del", `${hostOf(before)}/24`, "dev", "eth0");
    }
    await command(...inside, "add", `${hostOf(moves)}/24`, "dev", "eth0");
    return hostOf(moves);
  }

  host(id: string): string {
    return `${subnet}.${id}`;
  }

  /** The words before a command that run it in the namespace of node `id`, with the same pid. */
  wrapper(id: string): string[] {
    return ["nsenter", `--net=/run/netns/n${id}`];
  }

  /** Drops all packets that go `ways`, until `heal`. */
  async cut(ways: readonly Way[]): Promise<void> {
    await rules(
      ...ways.map(({ from, to }) =>
        `add rule bridge torture cut iifname cable${from} oifname cable${to} counter drop`
      ),
    );
  }

  /** Drops nothing any more, and returns how many packets were dropped. */
  async heal(): Promise<number> {
    const listed = await command(
      "nft",
      "list",
      "chain",
      "bridge",
      "torture",
      "cut",
    );
    await rules("flush chain bridge torture cut");
    const counts = listed.matchAll(/counter packets (\d+)/g);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  }
}

/** All ways between two groups of nodes, in both directions. */
export function between(
  some: readonly string[],
  others: readonly string[],
): Way[] {
  return [...oneWay(some, others), ...oneWay(others, some)];
}

/** All ways from nodes `some` to nodes `others`. */
export function oneWay(
  some: readonly string[],
  others: readonly string[],
): Way[] {
  return some.flatMap((from) => others.map((to) => ({ from, to })));
}

/** Gives nft all `lines` in one transaction. */
async function rules(...lines: string[]): Promise<void> {
  await command("nft", lines.join("; "));
}

// Which clients of an isolate have a place. All isolates together have `clientsMax` ordinary
// places and a few kept ones (`client_count.ts` counts both): kept for connections from this
// host and from members, so that an operator gets in when all others are taken. A client in
// a kept place may look and manage, and gets no tickets.
//
// When the kept places are full, too, the client that has one of them longest and asks
// nothing makes way: idle clients that hold all of them cannot keep an operator out.

import type { ClientCount } from "../client_count.ts";

/** The part of a connection that is used here. */
export interface PlacedClient {
  /** It has a kept place. Set here. */
  isVisitor: boolean;
  readonly isIdle: boolean;
}

/** The places of one isolate's clients. */
export class ClientPlaces<Client extends PlacedClient> {
  readonly #clientCount: ClientCount;
  readonly #makesWay: (client: Client) => void;
  readonly #ordinary = new Set<Client>();
  /** The oldest first. */
  readonly #kept = new Set<Client>();

  /** `makesWay` is called with a client that has just lost its kept place to another. */
  constructor(clientCount: ClientCount, makesWay: (client: Client) => void) {
    this.#clientCount = clientCount;
    this.#makesWay = makesWay;
  }

  /** Gives `client` an ordinary place; false if there is none. */
  enter(client: Client): boolean {
    if (!this.#clientCount.enter()) return false;
    this.#ordinary.add(client);
    return true;
  }

  /** Gives `client` a kept place, if need be that of an idle client; false if there is none. */
  enterKept(client: Client): boolean {
    if (!this.#clientCount.enterKept() && !this.#freeKept()) return false;
    this.#kept.add(client);
    client.isVisitor = true;
    return true;
  }

  /** Takes away the place of `client`, if it has one. */
  leave(client: Client): void {
    if (this.#kept.delete(client)) return this.#clientCount.leaveKept();
    if (!this.#ordinary.delete(client)) return;
    this.#clientCount.leave();
    // An ordinary place does for a visitor, too, and its kept one is free for the next.
    const [oldest] = this.#kept;
    if (oldest === undefined || !this.#clientCount.enter()) return;
    this.#kept.delete(oldest);
    this.#ordinary.add(oldest);
    oldest.isVisitor = false;
    this.#clientCount.leaveKept();
  }

  /** Takes a kept place for another client; false if no client of this isolate makes way. */
  #freeKept(): boolean {
    for (const client of this.#kept) {
      if (!client.isIdle) continue;
      this.leave(client);
      this.#makesWay(client);
      return this.#clientCount.enterKept();
    }
    return false;
  }
}

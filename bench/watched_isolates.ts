// Puts the watched worker in the place of the node's own, before `main.ts` starts it.

import "./thread_watch.ts";

const watched = new URL("./watched_worker.ts", import.meta.url);

globalThis.Worker = class extends Worker {
  constructor(_url: string | URL, options?: WorkerOptions) {
    super(watched, options);
  }
};

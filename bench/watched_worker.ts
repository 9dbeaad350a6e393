// The node's worker, with a watch over its event loop (`thread_watch.ts`).

import "./thread_watch.ts";
import "../raft/worker.ts";

// The longest piece of work that a snapshot in chunks is for its leader and for its follower,
// from one core through encoder, frames and decoder into another, without sockets, disks and
// the machine. `deno run -A bench/snapshot_chunks.ts`. Measures, decides nothing.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { assert } from "../base/assert.ts";
import {
  decodePeerMessage,
  encodePeerMessage,
} from "../raft/core/message_codec.ts";
import type { Raft } from "../raft/core/raft.ts";
import type { Message } from "../raft/core/types.ts";
import {
  frameBytesMax,
  frameHeadBytes,
  FrameReader,
  sealFrame,
} from "../raft/net/frame.ts";
import {
  acknowledge,
  electionTicks,
  leaderOf,
  persist,
  raftOf,
} from "../tests/unit/raft/core/scene.ts";
import { median } from "./figures.ts";

/** A leader whose snapshot has so many bytes, and which has to send it to `c`. */
function leaderWith(bytes: number): Raft {
  const raft = leaderOf();
  raft.propose(Uint8Array.of(1));
  acknowledge(raft, "bc");
  raft.takeCommitted();
  const progress = raft.progress.get("c");
  assert(progress !== undefined, "c follows");
  progress.silentTicks = electionTicks;
  raft.compact(new Uint8Array(bytes).fill(7));
  persist(raft);
  progress.matchIndex = 0;
  progress.probe(1);
  return raft;
}

/** Milliseconds of `work`, and what it returns. */
function timed<T>(work: () => T): { millis: number; value: T } {
  const began = performance.now();
  const value = work();
  return { millis: performance.now() - began, value };
}

/** The longest pieces of work of one transfer, and all of it, in milliseconds. */
function transfer(bytes: number): [number, number, number] {
  const leader = leaderWith(bytes);
  const follower = raftOf({ id: "c", terms: [1] });
  const reader = new FrameReader(frameBytesMax);
  let [sending, receiving] = [0, 0];
  const { millis } = timed(() => {
    while (follower.log.snapshot.index === 0) {
      const sent = timed(() =>
        leader.takeMessages().filter(({ to }) => to === "c")
          .map((message) =>
            sealFrame(encodePeerMessage(message, frameHeadBytes))
          )
      );
      sending = Math.max(sending, sent.millis);
      for (const frame of sent.value) {
        const taken = timed(() => {
          reader.push(frame);
          const step = reader.next();
          assert(step.type === "frame", "a whole frame");
          follower.step(decodePeerMessage(step.payload) as Message);
        });
        receiving = Math.max(receiving, taken.millis);
        persist(follower);
        for (const answer of follower.takeMessages()) leader.step(answer);
      }
    }
  });
  return [sending, receiving, millis];
}

for (const mebibytes of [1, 14, 64]) {
  const runs = Array.from({ length: 7 }, () => transfer(mebibytes * 2 ** 20));
  const [sending, receiving, whole] = [0, 1, 2].map((at) => {
    const column = runs.map((run) => run[at] ?? 0);
    return `${median(column).toFixed(1)} (${Math.max(...column).toFixed(1)})`;
  });
  console.log(
    `${mebibytes} MiB, ms, median of 7 (most): longest at the leader ` +
      `${sending}, at the follower ${receiving}, in all ${whole}`,
  );
}

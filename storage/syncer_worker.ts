// The isolate of a syncer: waits for a request, carries it out, answers, until it is
// ended from outside. It blocks in every sync, so that the node, in another isolate, need
// not. What a request means is `aligned_file.ts`; the memory both sides share is
// `syncer_box.ts`.

import { AlignedFile, FileFault } from "./aligned_file.ts";
import {
  answeredWord,
  askedWord,
  type Fault,
  operations,
  SyncerBox,
  textOf,
} from "./syncer_box.ts";

declare const self: {
  onmessage: (event: MessageEvent<SharedArrayBuffer>) => void;
};

self.onmessage = ({ data }) => serve(new SyncerBox(data));

function serve(box: SyncerBox): never {
  const encoder = new TextEncoder();
  let file: AlignedFile | undefined;
  for (let answered = 0;; answered++) {
    while (Atomics.load(box.words, askedWord) === answered) {
      Atomics.wait(box.words, askedWord, answered);
    }
    let answer = "";
    try {
      file = serveOne(box, file);
    } catch (error) {
      answer = JSON.stringify(faultOf(error));
      file = undefined; // nothing is written after a fault
    }
    box.handOver(answeredWord, encoder.encode(answer));
    // While the node goes on.
    file?.reserve();
  }
}

/** Returns the file that is open now. */
function serveOne(
  box: SyncerBox,
  file: AlignedFile | undefined,
): AlignedFile | undefined {
  switch (box.operation) {
    case operations.open:
      file?.close();
      return new AlignedFile(textOf(box.content));
    case operations.append:
      if (file === undefined) throw new Error("append before open");
      file.append(box.content);
      return file;
    case operations.close:
      file?.close();
      return undefined;
    default:
      throw new Error(`no operation ${box.operation}`);
  }
}

function faultOf(error: unknown): Fault {
  if (error instanceof FileFault) return error.fault;
  return { action: "write", code: "", text: String(error) };
}

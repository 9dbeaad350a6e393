// A bar on a terminal for work that may take a while; nothing where nobody looks, as in a
// script or a log. The package is loaded only then, so that no service pays for it. The work
// itself stands where it is done (`restore.ts`).

import type { Terminal } from "./terminal.ts";

/** Hears how far the work has come. */
export type Progress = {
  /** A stage begins, of `total` steps. */
  begin(stage: string, total: number): void;
  /** `done` steps of the stage are done. */
  at(done: number): void;
  /** The work has ended, well or not. */
  end(): void;
};

/** As much of the package as is used. */
type Bar = {
  start(total: number, value: number, payload: { stage: string }): void;
  update(value: number): void;
  stop(): void;
};

const silent: Progress = { begin() {}, at() {}, end() {} };

/** The progress that `terminal` shows. */
export async function openProgress(terminal: Terminal): Promise<Progress> {
  if (!terminal.isTerminal) return silent;
  const { default: { SingleBar } } = await import("cli-progress");
  const bar: Bar = new SingleBar({
    format: "{stage} [{bar}] {value}/{total}",
    hideCursor: true,
  });
  let isOn = false;
  const end = () => {
    if (isOn) bar.stop();
    isOn = false;
  };
  return {
    begin(stage, total) {
      end();
      bar.start(total, 0, { stage });
      isOn = true;
    },
    at: (done) => bar.update(done),
    end,
  };
}

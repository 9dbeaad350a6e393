// `ticketd check`: verifies the data of a stopped node without changing them, by the code that
// a start uses, and then the meaning of what is there. Says where each fault lies and what it
// means. Not here: how records are read (`storage/scan.ts`), and what is wrong (`findings.ts`).
//
//   exit code 0  sound; a torn tail alone is, with a note
//             1  damaged
//             2  not looked at: no data there, a node runs on them, they may not be read

import { type Finding, findingsIn } from "./findings.ts";
import { type LogState, stateIfAny } from "./log_state.ts";
import type { NodeData } from "./node_data.ts";
import { codes, type ReadOptions, withStoppedNode } from "./stopped_node.ts";
import type { Terminal } from "./terminal.ts";
import {
  configurationText,
  hardStateText,
  identityText,
  listed,
  shown,
} from "./log_text.ts";

/** Runs the check; its exit code. */
export async function check(
  options: ReadOptions,
  terminal: Terminal,
): Promise<number> {
  return await withStoppedNode(options, terminal, (data, directory) => {
    const state = stateIfAny(data.state);
    const findings = findingsIn(data, state);
    const isSound = state !== undefined &&
      findings.every(({ severity }) => severity === "note");
    if (options.json) {
      const report = jsonOf(data, { state, findings, isSound, directory });
      terminal.out(JSON.stringify(report));
    } else {
      for (const finding of findings) terminal.out(lineOf(finding, data));
      for (const line of summaryOf(data, state)) terminal.out(line);
      terminal.out(isSound ? "OK" : "DAMAGED: see above; nothing was changed");
    }
    return isSound ? codes.sound : codes.damaged;
  });
}

/** `…/0000000000000001.log, byte 1234: …` */
function lineOf({ severity, file, at, text }: Finding, data: NodeData): string {
  const unit = data.kind === "file" ? "byte" : "save";
  const place = at === undefined ? file : `${file}, ${unit} ${at}`;
  return `${severity === "note" ? "note" : "FAULT"}: ${place}: ${text}`;
}

function summaryOf(data: NodeData, state: LogState | undefined): string[] {
  const { state: saved, bytes, path } = data;
  if (saved === undefined || state === undefined) return [];
  const lasts = listed(
    [...state.sequences].map(([name, last]) => `${shown(name)} ${last}`),
  );
  return [
    `${path}: ${recordsIn(data)} records, ${bytes} bytes`,
    identityText(saved.identity),
    `index ${state.lastIndex}, ${hardStateText(saved.hardState)}`,
    `last number taken: ${lasts || "none"}`,
    ...state.policy === "any" ? [] : [`policy: ${state.policy}`],
    `members: ${configurationText(state.configuration)}`,
  ];
}

function recordsIn({ parts }: NodeData): number {
  return parts.filter(({ content: { type } }) =>
    type === "base" || type === "save"
  ).length;
}

function jsonOf(data: NodeData, { state, findings, isSound, directory }: {
  readonly state: LogState | undefined;
  readonly findings: readonly Finding[];
  readonly isSound: boolean;
  readonly directory: string;
}) {
  const { state: saved, kind, path: file, bytes } = data;
  const unit = kind === "file" ? "offset" : "save";
  return {
    sound: isSound,
    directory,
    storage: kind,
    file,
    bytes,
    records: recordsIn(data),
    ...saved?.identity,
    ...saved?.hardState,
    ...state && {
      index: state.lastIndex,
      members: state.configuration.servers,
      policy: state.policy,
      sequences: [...state.sequences].map(([name, last]) => ({
        name,
        last: `${last}`,
      })),
    },
    findings: findings.map(({ at, ...rest }) => ({ ...rest, [unit]: at })),
  };
}

// Finds the directory of the stopped node that a tool is to work on: DIR/ID, or what else the
// operator can have meant by --dir. Looks at names only, and changes nothing. A directory that
// a service would use is chosen in `server/config.ts`.

import { join } from "node:path";
import { needRight } from "./rights.ts";
import { isNodeId } from "../base/bytes.ts";
import { segmentNumbers } from "../storage/segment.ts";
import { attempt } from "../storage/file_faults.ts";
import { kvStoreName } from "../storage/storage.ts";

/** The node that the command line names. */
export type ToolNode = {
  readonly id: string;
  /** Whether the operator has named it: it is the default otherwise. */
  readonly idGiven: boolean;
  /** Of all nodes of this machine; the node's data lie in DIR/ID. */
  readonly dir: string;
  readonly storage: "file" | "kv" | "auto";
  /** Where other nodes would dial it: HOST:PORT, or :PORT. */
  readonly advertise: string;
};

/** A directory that holds a node's data. */
export type NodePlace = {
  readonly directory: string;
  readonly kind: "file" | "kv";
  /** The node that must own it; `undefined` if only its content can tell. */
  readonly id: string | undefined;
};

/** `recover.ts` names its copy of the old data so; it is no node's directory. */
export const copyMark = ".before-recover-";

/**
 * The place of `node`; `say` hears of a choice that the operator has not made in so many words.
 *
 * @throws {Error} with one sentence if there is none, or no way to choose among several
 */
export function findNode(
  { id, idGiven, dir, storage }: ToolNode,
  say: (line: string) => void,
): NodePlace {
  needRight("read", dir);
  const place = (directory: string, id: string | undefined): NodePlace => {
    const kind = kindOf(directory);
    if (kind !== undefined && (storage === "auto" || storage === kind)) {
      return { directory, kind, id };
    }
    throw new Error(
      `${directory} holds ${
        kind === "kv" ? "a Deno KV store" : "a log in files"
      }, ` +
        `and not what --storage ${storage} stands for; leave --storage out`,
    );
  };
  const usual = join(dir, id);
  if (kindOf(usual) !== undefined) return place(usual, id);
  if (kindOf(dir) !== undefined) {
    say(`${dir} is itself a node's directory: using it`);
    return place(dir, idGiven ? id : undefined);
  }
  const held = idGiven ? [] : heldIn(dir);
  const [only, ...more] = held;
  if (only !== undefined && more.length === 0) {
    say(`${usual} holds no data, but ${join(dir, only)} does: using it`);
    return place(join(dir, only), only);
  }
  throw new Error(
    held.length === 0
      ? `there are no data of a node in ${usual}; name their place with --dir and --id`
      : `there are no data of a node in ${usual}; choose one of its neighbours with ` +
        `--id: ${held.join(", ")}`,
  );
}

/** How the data in `directory` are kept; `undefined` if there are none. */
function kindOf(directory: string): NodePlace["kind"] | undefined {
  const names = namesIn(directory);
  if (segmentNumbers(names).length > 0) return "file";
  return names.includes(kvStoreName) ? "kv" : undefined;
}

/** The nodes whose directories lie in `dir`. */
function heldIn(dir: string): string[] {
  return namesIn(dir).filter((name) =>
    isNodeId(name) && !name.includes(copyMark) &&
    kindOf(join(dir, name)) !== undefined
  ).toSorted();
}

function namesIn(directory: string): string[] {
  return attempt("list", directory, () => {
    try {
      return Array.from(Deno.readDirSync(directory), ({ name }) => name);
    } catch (error) {
      const { NotFound, NotADirectory } = Deno.errors;
      if (error instanceof NotFound || error instanceof NotADirectory) {
        return [];
      }
      throw error;
    }
  });
}

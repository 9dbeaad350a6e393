// A copy of the repository in which one mutant at a time is at large: the tree that
// others work in is never touched.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Mutant, mutated } from "./mutant.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What is no source: history, tools, data, and the executable that is built. */
const skipped = new Set([".git", ".tools", "node_modules", "data", "ticketd"]);

export class Tree {
  readonly directory: string;

  constructor() {
    this.directory = Deno.makeTempDirSync({ prefix: "ticketd-mutants-" });
    copy(root, this.directory);
  }

  has(path: string): boolean {
    try {
      return Deno.statSync(join(this.directory, path)).isFile;
    } catch {
      return false;
    }
  }

  /** Runs `work` while `mutant` is in the tree. */
  async with<T>(mutant: Mutant, work: () => Promise<T>): Promise<T> {
    const path = join(this.directory, mutant.file);
    const source = Deno.readTextFileSync(path);
    Deno.writeTextFileSync(path, mutated(source, mutant));
    try {
      return await work();
    } finally {
      Deno.writeTextFileSync(path, source);
    }
  }

  remove(): void {
    Deno.removeSync(this.directory, { recursive: true });
  }
}

/** The source of a file of the service as it stands in the repository. */
export function sourceOf(file: string): string {
  return Deno.readTextFileSync(join(root, file));
}

function copy(from: string, to: string): void {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(from)) {
    if (skipped.has(name)) continue;
    const [source, target] = [join(from, name), join(to, name)];
    if (isDirectory) {
      Deno.mkdirSync(target);
      copy(source, target);
    } else if (isFile) {
      Deno.copyFileSync(source, target);
    }
  }
}

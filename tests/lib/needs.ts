// The programs, libraries and rights that some tests need beside Deno, and whether they are here.
// A test that lacks one is skipped with the reason in its name, which `deno task test` lists and
// counts. A program that no test names fails the test when it is missing. Run by itself, this
// file prints the Debian packages that are missing here.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

/** The Debian package that brings each program. */
const packages = {
  bash: "bash",
  "dpkg-query": "dpkg",
  ip: "iproute2",
  mount: "mount",
  nft: "nftables",
  nsenter: "util-linux",
  prlimit: "util-linux",
  "redis-benchmark": "redis-tools",
  "redis-cli": "redis-tools",
  "redis-server": "redis-server",
  script: "bsdutils",
  setpriv: "util-linux",
  strace: "strace",
  unshare: "util-linux",
} as const;

/**
 * The libraries of other languages, under the names of their Debian packages: the command that
 * succeeds where the library is, and whatever must be installed to run it.
 */
const libraries = {
  // Not the first one of the path: Debian's libraries are for Debian's Python.
  "python3-redis": {
    command: ["/usr/bin/python3", "-c", "import redis"],
    packages: ["python3-redis"],
  },
  "php-redis": {
    command: ["php", "-r", "exit(extension_loaded('redis') ? 0 : 1);"],
    packages: ["php-cli", "php-redis"],
  },
} as const;

/** A program of the table. */
export type Program = keyof typeof packages;
/** A library of the table. */
export type Library = keyof typeof libraries;
/** `root` is its rights; `namespaces` the right to make them, which root may lack. */
export type Need = Program | Library | "root" | "namespaces";

/** All programs with their packages. */
export const programs = Object.entries(packages) as readonly (readonly [
  Program,
  string,
])[];

/** All libraries with their packages. */
export const libraryPackages = Object.entries(libraries).map((
  [library, { packages }],
) => [library as Library, packages] as const);

/** What is missing of `needs`, as the end of a sentence; `undefined` if nothing is. */
export function lack(needs: readonly Need[]): string | undefined {
  const texts = needs.flatMap((need) => {
    if (need === "root") return Deno.uid() === 0 ? [] : ["root (use sudo)"];
    if (need === "namespaces") {
      if (!isHere("unshare")) return [withPackage("unshare")];
      return mayMakeNamespaces() ? [] : ["the right to make namespaces"];
    }
    if (isLibrary(need)) {
      const { packages } = libraries[need];
      return runs(need) ? [] : [`Debian: ${packages.join(", ")}`];
    }
    return isHere(need) ? [] : [withPackage(need)];
  });
  return texts.length === 0
    ? undefined
    : `needs ${[...new Set(texts)].join(", ")}`;
}

/** A program and its package, for people. */
export function withPackage(program: Program): string {
  return `${program} (Debian: ${packages[program]})`;
}

/** `name` and `ignore` for `Deno.test` of a test that makes `claim` and has `needs`. */
export function skippable(
  claim: string,
  needs: readonly Need[],
): { readonly name: string; readonly ignore: boolean } {
  const reason = lack(needs);
  return reason === undefined
    ? { name: claim, ignore: false }
    : { name: `${claim} (skipped: ${reason})`, ignore: true };
}

/** Looks along the search path, as a shell would: there may be no shell. */
function isHere(program: string): boolean {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.some((folder) => {
    try {
      const { isFile, mode } = Deno.statSync(`${folder || "."}/${program}`);
      return isFile && ((mode ?? 0) & 0o111) !== 0;
    } catch {
      return false;
    }
  });
}

function isLibrary(need: Need): need is Library {
  return need in libraries;
}

/** Whether `library` can be loaded. */
export function runs(library: Library): boolean {
  const [program, ...args] = libraries[library].command;
  try {
    return new Deno.Command(program, { args }).outputSync().success;
  } catch {
    return false; // there is no such program
  }
}

/** Tries it, because a container's root may be refused. */
function mayMakeNamespaces(): boolean {
  if (Deno.build.os !== "linux") return false;
  const args = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "true"];
  return new Deno.Command("unshare", { args }).outputSync().success;
}

if (import.meta.main) {
  const missing = [
    ...programs.filter(([program]) => !isHere(program)).map(([, name]) => name),
    ...libraryPackages.filter(([library]) => !runs(library))
      .flatMap(([, names]) => names),
  ];
  console.log([...new Set(missing)].join(" "));
}

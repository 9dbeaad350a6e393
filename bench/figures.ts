// What is read of this machine and of its processes, from /proc and the file system, and
// what several readings come to. Linux alone has these files.

/** Of `utime` and `stime`: Linux shows them in hundredths whatever its own clock does. */
const ticksPerSecond = 100;

/** Seconds of processor time that a process has used so far, all threads. */
export function cpuSeconds(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The second field is the program's name, which may contain anything, `)` included.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Megabytes, from the line of that name in the process's status: now, or at most so far. */
export function memory(pid: number, line: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(new RegExp(`${line}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
}

/** Megabytes of all files below a directory that is being written to. */
export function diskUse(directory: string): number {
  return bytesBelow(directory) / 2 ** 20;
}

function bytesBelow(directory: string): number {
  let bytes = 0;
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = `${directory}/${name}`;
    try {
      bytes += isDirectory ? bytesBelow(path) : Deno.statSync(path).size;
    } catch (error) {
      // Its owner has just removed it.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return bytes;
}

/** Cores, processor and kernel; neither the machine's name nor a path on it. */
export function machine(): string {
  const info = Deno.readTextFileSync("/proc/cpuinfo");
  const model = /^model name\s*:\s*(.+)$/m.exec(info)?.[1] ?? Deno.build.arch;
  const cores = navigator.hardwareConcurrency;
  return `${cores} cores (${model}), Linux ${Deno.osRelease()}`;
}

/** Of the disk that a directory is on: in memory, an fsync costs nothing. */
export function fileSystem(directory: string): string {
  let [longest, found] = ["", "unknown"];
  for (const line of Deno.readTextFileSync("/proc/self/mounts").split("\n")) {
    const [, at = "", type = ""] = line.split(" ");
    const folder = at.endsWith("/") ? at : `${at}/`;
    if (at === "" || !`${directory}/`.startsWith(folder)) continue;
    // Of two mounts at one place the later one is seen.
    if (folder.length >= longest.length) [longest, found] = [folder, type];
  }
  return found;
}

export type Range = {
  readonly median: number;
  readonly least: number;
  readonly most: number;
};

export function range(values: readonly number[]): Range {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return {
    median: (sorted[Math.floor(half)]! + sorted[Math.ceil(half)]!) / 2,
    least: sorted[0]!,
    most: sorted.at(-1)!,
  };
}

export function median(values: readonly number[]): number {
  return range(values).median;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}

/** `131`, `25.1 k`, `3.20 M`. */
export function short(count: number): string {
  if (count < 1e3) return count.toFixed(0);
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)} M`;
  return `${(count / 1e3).toFixed(1)} k`;
}

/** Three digits, or as many as a large number has. */
export function digits(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

/** Milliseconds, of so many microseconds. */
export function millis(micros: number): string {
  return digits(micros / 1000);
}

// Addresses as flags, configuration entries and commands spell them: `host:port`, `:port`,
// `[v6]:port`. Both isolates parse them here and nowhere else. No name is looked up here, and
// no address is tried.

/**
 * `host` is empty if it was left out: a listener then takes every interface, and a dialler
 * this machine.
 */
export type Address = { readonly host: string; readonly port: number };

/**
 * The parts of `text`, or `undefined` if it is no address. The port is 0 to 65535.
 *
 * @example
 * ```ts
 * parseAddress("node-2:12001"); // { host: "node-2", port: 12001 }
 * parseAddress(":12001"); //       { host: "", port: 12001 }
 * parseAddress("[::1]:12001"); //  { host: "::1", port: 12001 }
 * parseAddress("node-2"); //       undefined
 * ```
 */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > 65535) return undefined;
  return { host: match[1] ?? match[2] ?? "", port };
}

/** The inverse of {@linkcode parseAddress}. It puts an IPv6 host in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Fills `host` into `:12002`. A text that names a host, or is no address, stays as it is. */
export function withHost(text: string, host: string): string {
  const parsed = parseAddress(text);
  if (parsed === undefined || parsed.host !== "") return text;
  return formatAddress({ host, port: parsed.port });
}

/** Whether `host` is a loopback address or name, by which every machine means itself. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host) ||
    /^::ffff:127\./i.test(host);
}

/**
 * Fills into `:12002` the host from which the text came. A loopback host is not filled in,
 * because other machines would dial themselves.
 */
export function completedAddress(text: string, host: string): string {
  return isLoopback(host) ? text : withHost(text, host);
}

/**
 * `host`, the far end of a connection, as every machine can dial it: a socket on `::` names an
 * IPv4 caller `::ffff:10.0.0.1`, which leads nowhere where there is no IPv6.
 */
export function plainHost(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.)/i, "");
}

/**
 * The source under which limits count `host`: an IPv4 address, or an IPv6 network of 64 bits,
 * because one caller usually owns all of its addresses. `host` is spelt as the system names
 * the far end of a connection.
 */
export function networkOf(host: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host);
  if (mapped !== null) return mapped[1] ?? host;
  if (!host.includes(":")) return host;
  const [head = "", tail] = host.replace(/%.*/, "").toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? [] : tail.split(":");
    while (groups.length + after.length < 8) groups.push("0");
    groups.push(...after);
  }
  return groups.slice(0, 4).join(":") + "::";
}

/**
 * Why this node must not dial `text`, as the end of a sentence, or `undefined` if it may. A
 * client that may send commands must not make a node dial every host of a network, or a
 * text that is no address.
 */
export function faultToDial(text: string): string | undefined {
  const address = parseAddress(text);
  if (address === undefined) return "is not HOST:PORT";
  const { host, port } = address;
  if (port === 0) return "names no port";
  if (host === "") return undefined; // the dialler fills it in
  const mapped = /^::ffff:([\d.]+)$/i.exec(host)?.[1];
  if (mapped !== undefined) return faultToDial(`${mapped}:${port}`);
  if (host.includes(":")) {
    const groups = /^(?:[\da-f]{0,4}:){2,7}(?:[\da-f]{0,4}|[\d.]+)$/i;
    if (!groups.test(host)) return "names no host";
    if (/^[0:]*$/.test(host)) return "names every address of a host";
    return /^ff/i.test(host) ? "names a group of hosts" : undefined;
  }
  // Systems read numbers in many spellings as addresses: 0x7f.1, 017700000001.
  const isNumber = /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i.test(host);
  if (!isNumber) {
    const isName = host.length <= 253 &&
      /^(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?$/.test(host);
    return isName ? undefined : "names no host";
  }
  const bytes = host.split(".").map(Number);
  const isIPv4 = bytes.length === 4 && /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) &&
    bytes.every((byte) => byte <= 255);
  if (!isIPv4) return "names no host";
  const [first = 0] = bytes;
  if (first === 0) return "names every address of a host";
  return first >= 224 ? "names a group of hosts" : undefined;
}

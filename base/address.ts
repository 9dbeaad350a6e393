// Addresses as flags, configuration entries and commands spell them: `host:port`,
// `:port`, `[v6]:port`. Parsed here and nowhere else, for both isolates; names are not
// looked up, and whether anybody listens there is not known.

/** `host` is empty when it was left out: every interface to listen on, here to dial. */
export type Address = { readonly host: string; readonly port: number };

/** The parts of `text`, or `undefined` when it is no address. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > 65535) return undefined;
  return { host: match[1] ?? match[2] ?? "", port };
}

/** The inverse of {@linkcode parseAddress}; brackets an IPv6 host. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `:12002` with `host` filled in; what names a host, or is no address, stays as it is. */
export function withHost(text: string, host: string): string {
  const parsed = parseAddress(text);
  if (parsed === undefined || parsed.host !== "") return text;
  return formatAddress({ host, port: parsed.port });
}

/** True for a host that means this machine to whoever reads it. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host) ||
    /^::ffff:127\./i.test(host);
}

/** `:12002` completed with the host from which it came, unless that means nothing here. */
export function completedAddress(text: string, host: string): string {
  return isLoopback(host) ? text : withHost(text, host);
}

/**
 * Whom `host`, as the system names the far end of a connection, is counted as: an IPv4
 * address itself, of IPv6 the network of 64 bits, which one caller has all of.
 */
export function networkOf(host: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host);
  if (mapped !== null) return mapped[1] ?? host;
  if (!host.includes(":")) return host;
  const [head = "", tail] = host.split("%")[0]!.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? [] : tail.split(":");
    while (groups.length + after.length < 8) groups.push("0");
    groups.push(...after);
  }
  return groups.slice(0, 4).join(":") + "::";
}

/**
 * Why nobody can be dialled at `text`, or `undefined` when somebody may be: whoever may
 * send a command must not make this node dial all hosts of a network, or what no address
 * is. Names are not looked up.
 */
export function faultToDial(text: string): string | undefined {
  const address = parseAddress(text);
  if (address === undefined) return "is not HOST:PORT";
  const { host, port } = address;
  if (port === 0) return "names no port";
  if (host === "") return undefined; // whoever dials fills it in
  const mapped = /^::ffff:([\d.]+)$/i.exec(host)?.[1];
  if (mapped !== undefined) return faultToDial(`${mapped}:${port}`);
  if (host.includes(":")) {
    const groups = /^(?:[\da-f]{0,4}:){2,7}(?:[\da-f]{0,4}|[\d.]+)$/i;
    if (!groups.test(host)) return "names no host";
    if (/^[0:]*$/.test(host)) return "names every address of a host";
    return /^ff/i.test(host) ? "names a group of hosts" : undefined;
  }
  // Systems read numbers in many ways as addresses: 0x7f.1, 017700000001.
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

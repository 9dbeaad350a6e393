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

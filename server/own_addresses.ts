// Judges the addresses of this node: whether two of them clash at one port, what other nodes
// may dial instead of one, and whether one of them leads back here. Names are not looked up,
// and nothing is dialled.

import {
  type Address,
  formatAddress,
  isLoopback,
  parseAddress,
} from "../base/address.ts";

/** True for a host to listen on that stands for all addresses of the machine. */
export function isEveryInterface(host: string): boolean {
  return host === "" || host === "0.0.0.0" || host === "::";
}

/** The host is left out where others could not dial it; joining fills it in. */
export function reachedAt({ host, port }: Address): string {
  return formatAddress({ host: isEveryInterface(host) ? "" : host, port });
}

/** Whether one machine cannot listen on both; port 0 is a free one each time. */
export function clash(a: Address, b: Address): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || isEveryInterface(a.host) ||
    isEveryInterface(b.host) || (isLoopback(a.host) && isLoopback(b.host));
}

/** Whether a node that dials `member` from this machine reaches what listens on `own`. */
export function leadsTo(member: string, own: Address): boolean {
  const { host, port } = parseAddress(member) ?? {};
  if (host === undefined || port !== own.port) return false;
  const local = isEveryInterface(host) || isLoopback(host);
  if (isEveryInterface(own.host)) return local;
  return dialled(host) === dialled(own.host);
}

/** The host that is dialled for one that names no machine. */
function dialled(host: string): string {
  return isEveryInterface(host) || host === "localhost" ? "127.0.0.1" : host;
}

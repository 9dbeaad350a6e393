// The checksum of bytes that arrive in parts, for code that may import no library: the CRC-32
// of zlib and gzip. It finds damage and mix-ups, not forgery. Files and frames call zlib
// themselves.

import { crc32 } from "node:zlib";

/**
 * The CRC-32 of `bytes`, a u32; or of all bytes so far, if `before` is that of those before
 * them. A gibibyte takes about 40 milliseconds.
 */
export function checksumOf(bytes: Uint8Array, before = 0): number {
  return crc32(bytes, before);
}

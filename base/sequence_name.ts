// Names of sequences: which texts are one. The name is part of commands, log entries, messages
// and backups, so all of them agree on it here. Not here: which sequences exist.
//
//   name = 1 to 128 bytes of printable ASCII without spaces, and none of the words below

/** The sequence of a TICKET without a name. */
export const defaultSequence = "ticket";

/** Bytes of the longest name. */
export const nameBytesMax = 128;

/** Sequences that a cluster may have, unless `--max-sequences` says otherwise … */
export const sequencesMaxDefault = 100_000;
/** … and up to this: so many of the longest names fit into one snapshot. */
export const sequencesMaxLimit = 250_000;

/** Words of the syntax of TICKET, in upper or lower case: a name must not read as one. */
const reservedWords = /^(count|once)$/i;

const namePattern = /^[!-~]{1,128}$/;

/** Whether `text` can name a sequence. */
export function isSequenceName(text: string): boolean {
  const { length } = text;
  const mayBeReserved = length === 4 || length === 5;
  return namePattern.test(text) && !(mayBeReserved && reservedWords.test(text));
}

// The word in a command of a load that stands for the name of a sequence. Apart from
// `closed_loop.ts`, which runs a load as soon as it is imported.

/** Each time it is sent another name stands there, drawn from all that the load has. */
export const nameWord = "{name}";

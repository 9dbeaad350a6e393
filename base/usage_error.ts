// The error for what the user must change: a flag, a variable, a file of settings, or the
// rights that Deno was given. The process then ends with the exit code of usage, which tells
// a supervisor that another start would end the same way. All other faults are plain errors.

/** A fault in what the user wrote; its message is one line that says what to write instead. */
export class UsageError extends Error {}

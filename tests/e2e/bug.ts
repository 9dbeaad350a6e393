// To be loaded before main.ts (`--preload`): a bug of the main isolate, at a signal.

Deno.addSignalListener("SIGWINCH", () => {
  throw new Error("a bug");
});

// To be loaded before main.ts (`--preload`): a bug of the main isolate, at a signal, which
// leaves the file that the environment names when it strikes.

Deno.addSignalListener("SIGWINCH", () => {
  const path = Deno.env.get("BUG");
  if (path !== undefined) Deno.writeTextFileSync(path, "");
  throw new Error("a bug");
});

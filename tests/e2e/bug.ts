// To be loaded before main.ts (`--preload`): bugs of the main isolate, each at a signal of
// its own. They leave the file that the environment names when they strike.

function strike(): never {
  const path = Deno.env.get("BUG");
  if (path !== undefined) Deno.writeTextFileSync(path, "");
  throw new Error("a bug");
}

Deno.addSignalListener("SIGWINCH", () => setTimeout(strike));
Deno.addSignalListener("SIGURG", () => Promise.resolve().then(strike));

// Loaded before main.ts (`--preload`): bugs of the main isolate, each at a signal of its own.
// When one strikes it makes the file that the variable BUG names.

function strike(): never {
  const path = Deno.env.get("BUG");
  if (path !== undefined) Deno.writeTextFileSync(path, "");
  throw new Error("a bug");
}

Deno.addSignalListener("SIGWINCH", () => setTimeout(strike));
Deno.addSignalListener("SIGURG", () => Promise.resolve().then(strike));

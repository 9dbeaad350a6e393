// A node whose isolates are watched (`thread_watch.ts`): `main.ts` itself, else unchanged. It is
// no import of `main.ts`: that runs as soon as it is loaded, and nothing is taken from it.

import "./watched_isolates.ts";

await import(new URL("../main.ts", import.meta.url).href);

// A node whose isolates are watched (`thread_watch.ts`): `main.ts` itself, else unchanged.

import "./watched_isolates.ts";

await import(new URL("../main.ts", import.meta.url).href);

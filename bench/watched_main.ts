// A node whose isolates are watched (`thread_watch.ts`): `main.ts` itself, else unchanged.

import "./watched_isolates.ts";
import "../main.ts";

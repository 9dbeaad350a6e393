// How the groups of a batch are begun at this leader, whoever asks for them, and what becomes of
// those whose term ends: they wait again, or nobody knows. Not here: how a group is carried out
// (`groups_led.ts`), and the order of a batch (`group_batch.ts`).

import { type Batch, errorOf } from "./group_batch.ts";
import type { GroupsLed } from "./groups_led.ts";

/**
 * Begins at this leader with the groups of `batch` that wait. Returns false if it takes none on
 * now. `told` is called after each group that has come to an end, also to an unknown one.
 */
export function beginLed(
  batch: Batch,
  led: GroupsLed,
  told: () => void,
): boolean {
  return batch.begin((placed) =>
    led.ask(placed, {
      isWanted: () => batch.isWanted(placed),
      tell(outcome) {
        if (outcome !== "lost") batch.answer(placed, outcome);
        else if (placed.traits.isRepeatable) batch.again(placed);
        else batch.answer(placed, errorOf("leadership was lost", placed));
        told();
      },
    })
  );
}

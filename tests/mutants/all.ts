// Every mutant there is, in the order of the layers.

import { changesMutants } from "./changes.ts";
import { claimsMutants } from "./claims.ts";
import { commandLineMutants } from "./command_line.ts";
import { commandsMutants } from "./commands.ts";
import { compactionMutants } from "./compaction.ts";
import { electionMutants } from "./election.ts";
import { filesMutants } from "./files.ts";
import { foundingMutants } from "./founding.ts";
import { fuzzedMutants } from "./fuzzed.ts";
import { gateMutants } from "./gate.ts";
import { groupsMutants } from "./groups.ts";
import { guestsMutants } from "./guests.ts";
import { kvMutants } from "./kv.ts";
import { laneMutants } from "./lanes.ts";
import { lendingMutants } from "./lending.ts";
import { machineMutants } from "./machine.ts";
import { membershipMutants } from "./membership.ts";
import { movesMutants } from "./moves.ts";
import type { Mutant } from "./mutant.ts";
import { nodeMutants } from "./node.ts";
import { numbersMutants } from "./numbers.ts";
import { offlineMutants } from "./offline.ts";
import { peersMutants } from "./peers.ts";
import { replicationMutants } from "./replication.ts";
import { reserveMutants } from "./reserve.ts";
import { restMutants } from "./rest.ts";
import { rimMutants } from "./rim.ts";
import { serverMutants } from "./server.ts";
import { storageMutants } from "./storage.ts";
import { strangersMutants } from "./strangers.ts";
import { takeAlongMutants } from "./take_along.ts";
import { takesMutants } from "./takes.ts";
import { whyMutants } from "./why.ts";

export const mutants: readonly Mutant[] = [
  ...electionMutants,
  ...replicationMutants,
  ...membershipMutants,
  ...changesMutants,
  ...foundingMutants,
  ...movesMutants,
  ...nodeMutants,
  ...machineMutants,
  ...reserveMutants,
  ...claimsMutants,
  ...lendingMutants,
  ...laneMutants,
  ...numbersMutants,
  ...groupsMutants,
  ...takesMutants,
  ...takeAlongMutants,
  ...restMutants,
  ...storageMutants,
  ...compactionMutants,
  ...filesMutants,
  ...kvMutants,
  ...offlineMutants,
  ...peersMutants,
  ...strangersMutants,
  ...serverMutants,
  ...commandsMutants,
  ...commandLineMutants,
  ...guestsMutants,
  ...rimMutants,
  ...fuzzedMutants,
  ...gateMutants,
  ...whyMutants,
];

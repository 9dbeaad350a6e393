// The reference keeps the contract of every storage.

import { Memory, type Retained } from "../../../storage/memory.ts";
import { testStorage } from "../../lib/storage_conformance.ts";

testStorage("Memory", {
  makePlace: () => {
    const retained: Retained = { state: undefined };
    return { open: () => new Memory(retained), remove() {} };
  },
});

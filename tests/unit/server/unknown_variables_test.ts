import assert from "node:assert/strict";
import { unknownVariables } from "../../../server/unknown_variables.ts";
import { flags } from "../../../server/flags.ts";
import { variableOf } from "../../../server/settings.ts";

Deno.test("unknownVariables() names what is misspelt, and the nearest that is known", () => {
  const cases: [string, string][] = [
    ["TICKETD_SADR", " (Did you mean TICKETD_SADDR?)"],
    ["TICKETD_LOGLEVEL", " (Did you mean TICKETD_LOG_LEVEL?)"],
    ["TICKETD_PASSWORD", ""],
    ["TICKETD_id", " (Did you mean TICKETD_ID?)"],
    ["TICKETD_SKIP", ""],
    ["TICKETD_CONFIG_FILE", ""],
    ["TICKETD_", ""],
  ];
  for (const [name, near] of cases) {
    assert.deepEqual(
      unknownVariables(["PATH", name]),
      [`unknown variable ${name}${near}; it is ignored`],
    );
  }
  assert.equal(unknownVariables(cases.map(([name]) => name)).length, 7);
});

Deno.test("unknownVariables() knows every flag's, with _FILE too, and leaves other programs' alone", () => {
  const names = Object.keys(flags).map(variableOf);
  const files = names.filter((name) => name !== "TICKETD_CONFIG")
    .map((name) => `${name}_FILE`);
  assert.deepEqual(
    unknownVariables([...names, ...files, "TICKETD_WITH_PARENT", "TICKET", ""]),
    [],
  );
});

Deno.test("unknownVariables() expects the variables of Kubernetes services, where there are any", () => {
  const links = (service: string) => [
    `${service}_SERVICE_HOST`,
    `${service}_SERVICE_PORT`,
    `${service}_SERVICE_PORT_CLIENTS`,
    `${service}_PORT`,
    `${service}_PORT_11001_TCP`,
    `${service}_PORT_11001_TCP_PROTO`,
    `${service}_PORT_11001_TCP_PORT`,
    `${service}_PORT_11001_TCP_ADDR`,
  ];
  const all = [...links("TICKETD"), ...links("TICKETD_CLIENTS")];
  assert.deepEqual(unknownVariables(all), []);
  assert.equal(unknownVariables(["TICKETD_PORT"]).length, 1);
});

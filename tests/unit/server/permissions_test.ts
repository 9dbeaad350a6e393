// Files of settings as they are on real disks: those that may be read, and all that a path may
// lead to instead.

import assert from "node:assert/strict";
import { textOfFile } from "../../../server/permissions.ts";

/** Runs `story` with a directory of its own. */
function inDirectory(story: (directory: string) => void): void {
  const directory = Deno.makeTempDirSync();
  try {
    story(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("textOfFile() gives a file's text as it is", () => {
  inDirectory((directory) => {
    const path = `${directory}/a`;
    for (const text of ["", "1\n", "é\r\n\r\n", "x".repeat(64 * 1024)]) {
      Deno.writeTextFileSync(path, text);
      assert.equal(textOfFile(path), text);
    }
  });
});

Deno.test("textOfFile() says of anything else what it is, and what to name instead", () => {
  inDirectory((directory) => {
    const path = `${directory}/a`;
    const says = (path: string, expected: RegExp) =>
      assert.throws(
        () => textOfFile(path),
        ({ message }: Error) => expected.test(message),
      );
    says(path, /^does not exist; name an existing file$/);
    says(directory, /^is a directory; name a file$/);
    says(`${directory}/a/b`, /^does not exist|^cannot be read/);
    says("", /^does not exist|^cannot be read/);
    Deno.writeTextFileSync(path, "x".repeat(64 * 1024 + 1));
    says(path, /^has more than 65536 bytes; name a smaller file$/);
    Deno.writeFileSync(path, new Uint8Array([0x61, 0xff]));
    says(path, /^is no text in UTF-8; name a text file$/);
    if (Deno.build.os !== "windows") says("/dev/zero", /^has more than 65536/);
  });
});

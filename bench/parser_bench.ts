// How fast commands are found in received bytes. `deno bench bench/parser_bench.ts`;
// each iteration parses 10,000 commands, so 1 ms is 10 million commands a second.

import { RespParser } from "../server/resp/resp_parser.ts";

const commandsPerIteration = 10_000;
/** As many as one read of a socket brings. */
const readBytes = 64 * 1024;

/** Feeds `input` over and over as a socket would, and counts the commands. */
function parse(input: Uint8Array<ArrayBuffer>, fold: boolean): () => void {
  const parser = new RespParser();
  return () => {
    let found = 0;
    for (let at = 0; at < input.length; at += readBytes) {
      parser.feed(input.subarray(at, at + readBytes));
      while (parser.next() === "command") {
        found += 1 + (fold ? parser.repeats() : 0);
      }
    }
    if (found !== commandsPerIteration) throw new Error(`found ${found}`);
  };
}

function traffic(...commands: string[]): Uint8Array<ArrayBuffer> {
  const rounds = commandsPerIteration / commands.length;
  return new TextEncoder().encode(commands.join("").repeat(rounds));
}

const ticket = "*1\r\n$6\r\nTICKET\r\n";
const ping = "*1\r\n$4\r\nPING\r\n";
const echo = "*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n";

Deno.bench("10,000 TICKETs, folded", parse(traffic(ticket), true));
Deno.bench("10,000 TICKETs, one by one", parse(traffic(ticket), false));
Deno.bench(
  "10,000 TICKET and PING in turn",
  parse(traffic(ticket, ping), true),
);
Deno.bench("10,000 ECHO hello", parse(traffic(echo), false));
Deno.bench("10,000 inline TICKETs, folded", parse(traffic("TICKET\r\n"), true));
Deno.bench(
  "10,000 inline words and quotes",
  parse(traffic("ECHO 'hello you'\r\n", "PING\r\n"), false),
);

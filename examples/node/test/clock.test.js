import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { answer, timeIn } from "../app/clock.js";

test("zones have their own times", () => {
  const noon = new Date("2026-01-15T12:00:00Z");
  assert.equal(timeIn("UTC", noon), "12:00");
  assert.equal(timeIn("Asia/Kolkata", noon), "17:30");
  assert.throws(() => timeIn("Nowhere/City", noon), RangeError);
});

test("requests are answered", async () => {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const at = `http://127.0.0.1:${server.address().port}`;
  try {
    assert.match(await (await fetch(at)).text(), /^\d\d:\d\d\n$/);
    assert.equal((await fetch(`${at}/?zone=Nowhere`)).status, 400);
    assert.equal((await fetch(`${at}/other`)).status, 404);
  } finally {
    server.close();
  }
});

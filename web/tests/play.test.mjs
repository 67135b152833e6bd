// What plays against a board, as far as it does not show in what others test with it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "./server.mjs";

const IDLE_MS = 10_000; // after which the server closes a connection

let server;

before(async () => {
    server = await new Server().start();
});
after(() => server?.close());

/** Nothing of this process runs meanwhile, as on a machine that has no time for it; what was to be done by then comes first. */
async function stall(ms) {
    const due = new Promise((resolve) => setTimeout(resolve, 100));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    await due;
}

test("a player whose process stood still for longer than a connection lives goes on, and does nothing twice", async () => {
    const { client } = server;
    const titles = ["one", "two", "three", "four"];
    await Promise.all(titles.map((title) => client.create({ title }))); // a connection each
    await stall(IDLE_MS + 1500);
    const [task] = await Promise.all([client.create({ title: "five" }), client.createMany([{ title: "six", createdBy: "p" }]), client.get("/board/summary")]);
    await stall(IDLE_MS + 1500);
    assert.equal((await client.patch(task, { priority: 3 })).priority, 3);
    const { tasks } = await client.get("/board/tasks?order=created");
    assert.deepEqual(tasks.map(({ title }) => title).sort(), [...titles, "five", "six"].sort());
});

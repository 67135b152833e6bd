// The server goes, the network goes, somebody is away for long: the page says so, comes back by itself and has missed nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "./wait.mjs";
import { makeWorld } from "./world.mjs";

const world = makeWorld((client) => client.create({ title: "There from the start", priority: 100 }));

const BROKEN = /503|ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE|INTERNET_DISCONNECTED|NETWORK_CHANGED|ABORTED)/;

const state = (page, text) => page.getByRole("banner").getByRole("status").filter({ hasText: text });
const card = (page, title) => page.getByRole("article").filter({ hasText: title });

async function openBoard(t) {
    const visitor = await world.visit(t);
    await visitor.page.goto("/ui/board");
    await card(visitor.page, "There from the start").waitFor();
    await state(visitor.page, "Live").waitFor();
    return visitor;
}

/** All titles that the board has, whatever the page can show at once. */
async function titlesOn(page) {
    return page.getByRole("article").getByRole("link").allInnerTexts();
}

test("the server is killed and started again", async (t) => {
    const visitor = await openBoard(t);
    const { page } = visitor;
    const { client } = world.server;
    const task = await client.create({ title: "Acknowledged right before the end" });
    await world.server.kill();
    await state(page, "Offline").waitFor();
    assert.ok(await card(page, "There from the start").isVisible(), "what was known stays in sight");
    await world.server.start();
    await client.claim(task, "early-bird");
    await client.create({ title: "Made before the page is back" });
    await page.getByRole("button", { name: /try again/ }).click({ timeout: 2000 }).catch(() => {}); // unless it has already
    await state(page, "Live").waitFor();
    await card(page, "Made before the page is back").waitFor();
    await card(page, task.title).filter({ hasText: "early-bird" }).waitFor();
    visitor.forgive(BROKEN);
});

test("the server is drained and started again: the page comes back by itself", async (t) => {
    const visitor = await openBoard(t);
    const { page } = visitor;
    await world.server.stop();
    await state(page, "Offline").waitFor();
    await world.server.start();
    await state(page, "Live").waitFor();
    await world.server.client.create({ title: "Seen after the restart" });
    await card(page, "Seen after the restart").waitFor();
    visitor.forgive(BROKEN);
});

test("nothing of what happens while the network is away is missed, and nothing is shown twice", async (t) => {
    const visitor = await openBoard(t);
    const { page, context } = visitor;
    const { client } = world.server;
    const first = await client.create({ title: "Deleted in the dark" });
    await card(page, first.title).waitFor();
    await context.setOffline(true);
    await state(page, "Offline").waitFor();
    const made = await client.createMany(Array.from({ length: 40 }, (_, n) => ({ createdBy: "me", title: `In the dark ${n}`, priority: 50 })));
    for (const task of made.slice(0, 10)) {
        await client.patch(task, { status: "blocked" });
    }
    await client.request("DELETE", `/board/tasks/${first.id}`);
    await context.setOffline(false);
    await state(page, "Live").waitFor();
    const blocked = page.getByRole("region", { name: "Blocked", exact: true });
    await eventually(async () => (await blocked.getByRole("article").count()) === 10, "the ten that were blocked");
    await page.getByRole("searchbox").fill("dark");
    await eventually(async () => (await page.getByRole("region", { name: "Open", exact: true }).locator("[aria-setsize]").first().getAttribute("aria-setsize")) === "30", "the other thirty");
    await card(page, first.title).waitFor({ state: "detached" });
    const titles = await titlesOn(page);
    assert.equal(new Set(titles).size, titles.length);
    visitor.forgive(BROKEN);
});

test("a write that cannot be sent says so, and nothing is pretended", async (t) => {
    const visitor = await openBoard(t);
    const { page, context } = visitor;
    await context.setOffline(true);
    await page.getByRole("button", { name: "New task" }).click();
    await page.getByRole("dialog").getByLabel("Title").fill("Never made");
    await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    await page.getByRole("dialog").getByRole("alert").filter({ hasText: "cannot be reached" }).waitFor();
    await context.setOffline(false);
    await page.getByRole("dialog").getByRole("button", { name: "Create" }).click(); // what was typed is still there
    await page.getByRole("status").filter({ hasText: "Created “Never made”" }).waitFor();
    const { count } = await world.server.client.get("/board/tasks?q=never+made");
    assert.equal(count, 1);
    visitor.forgive(BROKEN);
});

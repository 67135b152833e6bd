// The board: what it shows, finds and moves, and that it does so by itself when others change it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fill } from "../play/fill.mjs";
import { playLateResult, playScene } from "../play/scene.mjs";
import { eventually } from "./wait.mjs";
import { makeWorld } from "./world.mjs";

const world = makeWorld((client) => playScene(client));

const column = (page, name) => page.getByRole("region", { name, exact: true });
const cardIn = (page, name, title) => column(page, name).getByRole("article").filter({ hasText: title });
const dialog = (page) => page.getByRole("dialog");

async function openBoard(t, query = "", options = {}) {
    const visitor = await world.visit(t, options);
    await visitor.page.goto(`/ui/board${query}`);
    await column(visitor.page, "Open").getByRole("article").first().waitFor();
    return visitor;
}

async function countOf(page, name) {
    const text = await column(page, name).locator(".column-count").innerText();
    return Number(text.replace(/\D/g, ""));
}

/** A route that answers nobody before so many have asked. */
function together(count) {
    let waiting = [];
    return (route) => {
        waiting.push(route);
        if (waiting.length === count) {
            waiting.forEach((one) => one.continue());
            waiting = [];
        }
    };
}

/** A task of the test's own, on top of its column. */
async function make(fields) {
    return world.server.client.create({ priority: 90, ...fields });
}

const taskNow = (task) => world.server.client.get(`/board/tasks/${task.id}`);

test("columns count what the summary counts", async (t) => {
    const { page } = await openBoard(t);
    const { byStatus } = await world.server.client.get("/board/summary");
    const names = { open: "Open", in_progress: "In progress", in_review: "In review", blocked: "Blocked", done: "Done" };
    for (const [status, name] of Object.entries(names)) {
        await eventually(async () => (await countOf(page, name)) === byStatus[status], `${name} to count ${byStatus[status]}`);
    }
});

test("a card says what state its task is in", async (t) => {
    const { page } = await openBoard(t);
    const dead = column(page, "Blocked").getByRole("article").filter({ hasText: "Dead letter" });
    await eventually(async () => (await dead.count()) === 3, "the dead letters to be drawn");
    await page.getByText("1 late result").waitFor();
    await page.getByText("“gpu” is paused: The card is being replaced").waitFor();
    const held = column(page, "In progress").getByRole("article").filter({ has: page.getByRole("progressbar") });
    assert.ok((await held.count()) >= 5);
    await held.first().getByLabel(/Progress: \d+ %/).waitFor();
    await column(page, "In progress").getByText("Cancelling").waitFor();
    const lease = column(page, "In progress").getByRole("article").filter({ hasText: /[45]:?\s?\d*/ }).first();
    await lease.waitFor();
    await column(page, "Open").getByRole("article").filter({ hasText: "Release the parser" }).getByLabel("Waits for tasks:").waitFor();
});

test("late results far back in a long log are looked for at once, and all shown at once", async (t) => {
    const visitor = await world.visit(t, { flags: [], loggedIn: false });
    const { page, server } = visitor;
    const names = ["First", "Second", "Third"];
    for (const name of names) {
        await playLateResult(server.client, name);
    }
    await fill(server.client, 20_000);
    await visitor.logIn();
    await page.route("**/events?*type=task.late*", together(2));
    await page.route("**/board/tasks/*", together(3));
    await page.addInitScript(() => {
        globalThis.chips = new Set();
        const look = () => document.querySelectorAll(".attention button").forEach(({ innerText }) => globalThis.chips.add(innerText.trim()));
        new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
    });
    await page.goto("/ui/board");
    await page.getByText("3 late results").click();
    for (const name of names) {
        await dialog(page).getByRole("link", { name }).waitFor();
    }
    assert.deepEqual(await page.evaluate(() => [...globalThis.chips]), ["3 late results"]);
});

test("filters live in the URL: a link shows what its sender saw", async (t) => {
    const { page, context } = await openBoard(t);
    await page.getByLabel("Tag", { exact: true }).fill("nightly");
    await page.keyboard.press("Enter");
    await eventually(() => new URL(page.url()).searchParams.get("tag") === "nightly", "the URL to say it");
    await eventually(async () => (await page.getByRole("article").count()) === 3, "three cards to be left");
    const second = await context.newPage();
    await second.goto(page.url());
    await second.getByRole("button", { name: "Take the tag nightly out of the filter" }).waitFor();
    await eventually(async () => (await second.getByRole("article").count()) === 3, "the same three cards");
    await page.goBack();
    await cardIn(page, "Open", "Release the parser").waitFor();
    assert.equal(new URL(page.url()).search, "");
    await page.getByLabel("Which tasks").selectOption({ label: "Dead letters" });
    await eventually(async () => (await page.getByRole("article").count()) === 3, "the dead letters alone");
    await page.getByRole("button", { name: "Clear" }).click();
    await cardIn(page, "Open", "Release the parser").waitFor();
});

test("search finds words in titles and descriptions", async (t) => {
    const { page } = await openBoard(t);
    await make({ title: "Nothing in the title", description: "but a *chrysanthemum* in what it says" });
    await page.keyboard.press("/");
    await page.keyboard.type("chrysanthemum");
    await cardIn(page, "Open", "Nothing in the title").waitFor();
    await eventually(async () => (await page.getByRole("article").count()) === 1, "one card to be left");
    assert.equal(new URL(page.url()).searchParams.get("q"), "chrysanthemum");
    await page.getByRole("searchbox").fill("no such word anywhere");
    await page.getByText("Nothing fits.").first().waitFor();
});

test("what others change appears by itself", async (t) => {
    const { page } = await openBoard(t);
    const { client } = world.server;
    const task = await make({ title: "Somebody else made this", tags: ["live"] });
    await cardIn(page, "Open", task.title).waitFor();
    // Not one more than before: a machine of the scene falls silent some time, and its tasks are open again.
    const isCounted = async () => (await countOf(page, "Open")) === (await client.get("/board/summary")).byStatus.open;
    await eventually(isCounted, "the count to be the board's");
    const held = await client.claim(task, "agent-7");
    await cardIn(page, "In progress", task.title).filter({ hasText: "agent-7" }).waitFor();
    await client.finish(held, "heartbeat", { progress: { percent: 60 } });
    await cardIn(page, "In progress", task.title).getByLabel("Progress: 60 %").waitFor();
    await client.patch(task, { title: "It has another name now" });
    await cardIn(page, "In progress", "It has another name now").waitFor();
    await client.finish(held, "complete", {});
    await cardIn(page, "Done", "It has another name now").waitFor();
    await client.request("DELETE", `/board/tasks/${task.id}`);
    await cardIn(page, "Done", "It has another name now").waitFor({ state: "detached" });
});

test("a card is dragged to another column, and the rules decide what that is", async (t) => {
    const { page } = await openBoard(t);
    const task = await make({ title: "Drag me" });
    await cardIn(page, "Open", task.title).dragTo(column(page, "Blocked"));
    await dialog(page).getByRole("button", { name: "Block" }).click();
    await cardIn(page, "Blocked", task.title).waitFor();
    assert.equal((await taskNow(task)).status, "blocked");
    await cardIn(page, "Blocked", task.title).hover();
    await page.mouse.down();
    await column(page, "In review").hover();
    await column(page, "In review").getByText("It is blocked. Move it to Open first.").waitFor();
    await page.mouse.up();
    assert.equal((await taskNow(task)).status, "blocked");
    await cardIn(page, "Blocked", task.title).dragTo(column(page, "Open"));
    await cardIn(page, "Open", task.title).waitFor();
});

test("dragging what somebody holds asks first, and takes it over", async (t) => {
    const { page } = await openBoard(t);
    const task = await make({ title: "Somebody holds this" });
    const held = await world.server.client.claim(task, "agent-8");
    await cardIn(page, "In progress", task.title).dragTo(column(page, "Done"));
    await dialog(page).getByText("agent-8 holds this task").waitFor();
    await page.keyboard.press("Escape");
    assert.equal((await taskNow(task)).status, "in_progress");
    await cardIn(page, "In progress", task.title).dragTo(column(page, "Done"));
    await dialog(page).getByLabel("It failed").check();
    await dialog(page).getByRole("button", { name: /take it over/ }).click();
    await cardIn(page, "Done", task.title).waitFor();
    assert.equal((await taskNow(task)).outcome, "failed");
    await assert.rejects(world.server.client.finish(held, "complete", { result: 1 }), { code: "claim_lost" });
});

test("everything that a mouse does, keys do", async (t) => {
    const { page } = await openBoard(t);
    const task = await make({ title: "Move me by keys", priority: 100 });
    const link = cardIn(page, "Open", task.title).getByRole("link");
    await link.focus();
    await page.keyboard.press("Shift+ArrowRight");
    await dialog(page).getByRole("button", { name: "Hold it by hand" }).click();
    await cardIn(page, "In progress", task.title).waitFor();
    await cardIn(page, "In progress", task.title).getByRole("link").focus();
    await page.keyboard.press("m");
    await dialog(page).getByRole("button", { name: /Done/ }).click();
    await dialog(page).getByLabel("It succeeded").check();
    await dialog(page).getByRole("button", { name: "Finish" }).click();
    await cardIn(page, "Done", task.title).waitFor();
    assert.deepEqual(await taskNow(task).then(({ status, outcome }) => [status, outcome]), ["done", "success"]);
    const first = column(page, "Open").getByRole("article").first().getByRole("link");
    await first.focus();
    await page.keyboard.press("ArrowDown");
    assert.ok(await column(page, "Open").getByRole("article").nth(1).getByRole("link").evaluate((node) => node === document.activeElement));
});

test("a task is made and edited", async (t) => {
    const { page } = await openBoard(t);
    await page.keyboard.press("n");
    await dialog(page).getByLabel("Title").fill("Made in the browser");
    await dialog(page).getByLabel("Description").fill("With **words**.");
    await dialog(page).getByLabel(/^Tags/).fill("one, two");
    await dialog(page).getByLabel(/^Priority/).fill("95");
    await dialog(page).getByLabel(/^Payload/).fill('{"a": [1, 2]}');
    await dialog(page).getByRole("button", { name: "Create" }).click();
    await cardIn(page, "Open", "Made in the browser").waitFor();
    const { tasks } = await world.server.client.get("/board/tasks?tag=one&tag=two");
    assert.equal(tasks.length, 1);
    assert.deepEqual([tasks[0].priority, tasks[0].payload, tasks[0].description], [95, { a: [1, 2] }, "With **words**."]);

    await cardIn(page, "Open", "Made in the browser").getByRole("link").focus();
    await page.keyboard.press("e");
    await dialog(page).getByLabel("Title").fill("Edited in the browser");
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await cardIn(page, "Open", "Edited in the browser").waitFor();
    assert.equal((await taskNow(tasks[0])).title, "Edited in the browser");
});

test("an edit does not undo what somebody else wrote meanwhile", async (t) => {
    const visitor = await openBoard(t);
    const { page } = visitor;
    const task = await make({ title: "Two people edit this" });
    await cardIn(page, "Open", task.title).getByRole("link").focus();
    await page.keyboard.press("e");
    await dialog(page).getByLabel("Title").fill("Mine");
    await world.server.client.patch(task, { title: "Theirs" });
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await dialog(page).getByRole("alert").filter({ hasText: "changed meanwhile" }).waitFor();
    assert.equal((await taskNow(task)).title, "Theirs");
    visitor.forgive(/412 \(Precondition Failed\)/);
});

test("many are cancelled, tagged and given a priority at once", async (t) => {
    const { page } = await openBoard(t);
    const { client } = world.server;
    const tasks = await client.createMany([1, 2, 3, 4].map((n) => ({ createdBy: "planner", title: `Bulk ${n}`, tags: ["bulk"] })));
    await page.goto("/ui/board?tag=bulk");
    await cardIn(page, "Open", "Bulk 4").waitFor();
    const bar = page.getByRole("region", { name: "Selected tasks" });
    const selectAll = () => page.getByLabel("Select all loaded cards of Open").check();

    await selectAll();
    await bar.getByText("4 selected").waitFor();
    await bar.getByRole("button", { name: "Priority" }).click();
    await dialog(page).getByLabel("Priority").fill("42");
    await dialog(page).getByRole("button", { name: "Set the priority" }).click();
    await eventually(async () => (await taskNow(tasks[3])).priority === 42, "the priority to be set");
    await bar.waitFor({ state: "detached" });

    await cardIn(page, "Open", "Bulk 1").getByLabel("Select Bulk 1").check();
    await cardIn(page, "Open", "Bulk 2").getByLabel("Select Bulk 2").check();
    await bar.getByText("2 selected").waitFor();
    await bar.getByRole("button", { name: "Cancel" }).click();
    await dialog(page).locator("footer").getByRole("button", { name: /^Cancel/ }).click();
    await eventually(async () => (await taskNow(tasks[1])).outcome === "cancelled", "two to be cancelled");
    assert.deepEqual(await Promise.all(tasks.map((task) => taskNow(task).then(({ status }) => status))), ["done", "done", "open", "open"]);

    await cardIn(page, "Done", "Bulk 1").getByLabel("Select Bulk 1").check();
    await bar.getByRole("button", { name: "Retry" }).click();
    await dialog(page).locator("footer").getByRole("button", { name: /^Retry/ }).click();
    await cardIn(page, "Open", "Bulk 1").waitFor();
});

// One task: what is known of it, what it waits for, and how a person steps in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { playLateResult, playScene } from "../play/scene.mjs";
import { eventually } from "./wait.mjs";
import { makeWorld } from "./world.mjs";

const world = makeWorld((client) => playScene(client));

const panel = (page, name) => page.locator("section").filter({ has: page.getByRole("heading", { name, level: 2 }) });
const dialog = (page) => page.getByRole("dialog");
const taskNow = (task) => world.server.client.get(`/board/tasks/${task.id}`);

async function openTask(t, task, options = {}) {
    const visitor = await world.visit(t, options);
    await visitor.page.goto(`/ui/tasks/${task.id}`);
    await visitor.page.getByRole("heading", { name: task.title, level: 1 }).waitFor();
    return visitor;
}

test("what a worker does with a task can be watched", async (t) => {
    const { client } = world.server;
    const task = await client.create({ title: "Watch me", maxAttempts: 1, payload: { input: [1, 2, 3] } });
    const { page } = await openTask(t, task);
    await panel(page, "Payload").getByText('"input"').waitFor();
    const held = await client.claim(task, "agent-1");
    await panel(page, "Facts").getByText("agent-1").waitFor();
    await client.finish(held, "heartbeat", { progress: { percent: 35, message: "compiling" } });
    await panel(page, "Facts").getByText("compiling").waitFor();
    await client.act(task, "notes", { author: "agent-1", type: "blocker", content: "The **mirror** is away" });
    await panel(page, "Notes").getByText("mirror", { exact: true }).waitFor();
    assert.equal(await panel(page, "Notes").locator("strong", { hasText: "mirror" }).count(), 1);
    await client.act(task, "artifacts", { artifacts: [{ type: "report", url: "https://ci.example/1", label: "the report" }] });
    assert.equal(await panel(page, "Artifacts").getByRole("link", { name: "the report" }).getAttribute("href"), "https://ci.example/1");
    await client.finish(held, "fail", { error: "no space left" });
    await panel(page, "Attempts").getByText("no space left").waitFor();
    await page.getByRole("button", { name: "Retry" }).first().click();
    await dialog(page).getByRole("button", { name: /Retry/ }).click();
    await eventually(async () => (await taskNow(task)).status === "open", "the task to be open again");
    await panel(page, "History").getByText(/retried|fresh attempts|tried again/i).first().waitFor();
});

test("a late result is accepted", async (t) => {
    const { client } = world.server;
    const task = await playLateResult(client, "It came too late");
    const { page } = await openTask(t, task);
    await panel(page, "Attempts").getByText("Late result").waitFor();
    await panel(page, "Attempts").getByText('"peakMiB"').waitFor();
    await page.getByRole("button", { name: "Accept this result" }).click();
    await dialog(page).getByRole("button", { name: "Accept it" }).click();
    await panel(page, "Result").getByText("412").waitFor();
    const now = await taskNow(task);
    assert.deepEqual([now.status, now.outcome, now.result], ["done", "success", { peakMiB: 412, seconds: 97 }]);
});

test("a late result of a task that somebody else holds by now asks before it takes that over", async (t) => {
    const { client } = world.server;
    const task = await playLateResult(client, "It came too late for the next one");
    await client.claim(task, "the-next-one");
    const { page } = await openTask(t, task);
    await page.getByRole("button", { name: "Accept this result" }).click();
    await dialog(page).getByRole("button", { name: "Accept it and take the task from the-next-one" }).click();
    await eventually(async () => (await taskNow(task)).outcome === "success", "the result to count");
});

test("the graph shows what it waits for and what waits for it, and leads there", async (t) => {
    const { tasks } = await world.server.client.get("/board/tasks?tag=parser&q=announce");
    const { page } = await openTask(t, tasks[0]);
    const node = (title) => page.getByRole("group", { name: "Dependency graph" }).getByRole("link").filter({ hasText: title });
    for (const title of ["Document the parser", "Review the parser", "Release the parser"]) {
        await node(title).waitFor();
    }
    await node("Review the parser").click();
    await page.getByRole("heading", { name: "Review the parser", level: 1 }).waitFor();
    await node("Write the parser").waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "Announce the parser", level: 1 }).waitFor();
});

test("why is nobody taking this?", async (t) => {
    const { client } = world.server;
    const { tasks } = await client.get("/board/tasks?tag=gpu");
    const { page } = await openTask(t, tasks[0]);
    const why = panel(page, "Why is nobody taking this?");
    await why.getByText(/gpu.*paused|paused.*gpu/).waitFor();
    await why.getByLabel("Agent").fill("worker-01");
    await why.getByRole("button", { name: "Ask" }).click();
    await why.getByText(/reserved|assigned/i).waitFor();
    const free = await client.create({ title: "Nothing is in the way of this", priority: 100 });
    await page.goto(`/ui/tasks/${free.id}`);
    await panel(page, "Why is nobody taking this?").getByText(/Nothing is in the way/).waitFor();
});

test("of a task that somebody has claimed it is not asked why nobody takes it", async (t) => {
    const { client } = world.server;
    const task = await client.create({ title: "Taken and given back" });
    const { page } = await openTask(t, task);
    await panel(page, "Why is nobody taking this?").waitFor();
    const held = await client.claim(task, "agent-3");
    await panel(page, "Facts").getByText("Held by").waitFor();
    assert.equal(await panel(page, "Why is nobody taking this?").count(), 0);
    await client.finish(held, "release", {});
    await panel(page, "Why is nobody taking this?").getByText(/Nothing is in the way|comes|gets/).waitFor();
    await client.patch(task, { status: "in_progress", assignee: "agent-3" });
    await panel(page, "Why is nobody taking this?").getByText(/by hand, without a lease/).waitFor();
});

test("text of strangers is only text", async (t) => {
    const evil = '<img src=x onerror="document.title=\'owned\'"> <script>document.title="owned"</script> [click](javascript:document.title="owned") [ok](https://ok.example)';
    const task = await world.server.client.create({ title: evil, description: evil, tags: ["<b>tag</b>"], payload: { html: evil } });
    await world.server.client.act(task, "notes", { author: "<i>me</i>", type: "finding", content: evil });
    const address = 'javascript:document.title="owned"';
    await world.server.client.act(task, "artifacts", { artifacts: [{ type: "url", url: address, label: "do not click" }] });
    const { page } = await openTask(t, task);
    await panel(page, "Notes").getByText("<i>me</i>").waitFor();
    assert.equal(await page.locator("main img, main script, main b, main i").count(), 0);
    const addresses = await page.locator("main a").evaluateAll((links) => links.map((link) => new URL(link.href).protocol));
    assert.deepEqual([...new Set(addresses)].sort(), ["http:", "https:"]);
    await page.goto("/ui/board?q=click");
    await page.getByRole("article").filter({ hasText: "onerror" }).waitFor();
    assert.notEqual(await page.title(), "owned");
});

test("a person notes, approves, rejects, cancels and deletes", async (t) => {
    const { client } = world.server;
    const task = await client.create({ title: "Step in" });
    const { page } = await openTask(t, task);
    await page.getByLabel("Add a note").fill("From the dashboard");
    await panel(page, "Notes").getByRole("button", { name: "Add" }).click();
    await panel(page, "Notes").getByText("From the dashboard").waitFor();
    const held = await client.claim(task, "agent-2");
    await client.finish(held, "complete", { review: true, summary: "Have a look" });
    await page.getByRole("button", { name: "Reject" }).click();
    await dialog(page).getByRole("textbox").fill("Not yet");
    await dialog(page).getByRole("button", { name: "Reject" }).click();
    await panel(page, "Notes").getByText(/Not yet/).waitFor();
    await client.act(task, "review", { summary: "Again", reviewedBy: "agent-2" });
    await page.getByRole("button", { name: "Approve" }).click();
    await dialog(page).getByRole("button", { name: "Approve" }).click();
    await eventually(async () => (await taskNow(task)).outcome === "success", "the approval");

    const other = await client.create({ title: "Not wanted any more" });
    await page.goto(`/ui/tasks/${other.id}`);
    await page.getByRole("button", { name: "Cancel" }).click();
    await dialog(page).getByRole("button", { name: "Cancel it" }).click();
    await eventually(async () => (await taskNow(other)).outcome === "cancelled", "the task to be cancelled");
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog(page).getByRole("button", { name: "Delete it" }).click();
    await eventually(() => taskNow(other).then(() => false, (error) => error.status === 404), "the task to be gone");
});

test("a task that was deleted, or never was, says so", async (t) => {
    const visitor = await world.visit(t);
    await visitor.page.goto("/ui/tasks/01ARZ3NDEKTSV4RRFFQ69G5FAV");
    await visitor.page.getByRole("heading", { name: "There is no such task" }).waitFor();
    visitor.forgive(/404 \(Not Found\)/);
});

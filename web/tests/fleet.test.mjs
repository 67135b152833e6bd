// Machines, what flows through the board, and what agents tell.
import assert from "node:assert/strict";
import { test } from "node:test";
import { workers } from "../play/machines.mjs";
import { playScene } from "../play/scene.mjs";
import { eventually } from "./wait.mjs";
import { makeWorld } from "./world.mjs";

const world = makeWorld((client) => playScene(client));

const machine = (page, name) => page.getByRole("listitem").filter({ has: page.getByRole("heading", { name, exact: true, level: 3 }) });
const dialog = (page) => page.getByRole("dialog");

async function open(t, path, heading) {
    const visitor = await world.visit(t);
    await visitor.page.goto(path);
    await visitor.page.getByRole("heading", { name: heading, level: 1 }).waitFor();
    return visitor;
}

// --- the fleet ---

test("machines stand by role, with their services, what they hold, and what losing them means", async (t) => {
    const { page } = await open(t, "/ui/fleet", "Fleet");
    await eventually(async () => (await page.getByRole("region", { name: /^worker/i }).getByRole("heading", { level: 3 }).count()) === 13, "13 workers");
    await machine(page, "gpu-1").getByText("inference:9000").waitFor();
    await machine(page, "golden-1").getByText("Stopped").waitFor();
    await machine(page, "worker-03").getByText("If it is lost: 1 task back to the queue.").waitFor();
    await machine(page, "worker-03").getByRole("link").first().click();
    await page.getByRole("heading", { level: 1 }).filter({ hasNotText: "Fleet" }).waitFor();
    assert.match(new URL(page.url()).pathname, /^\/ui\/tasks\//);
});

test("what machines do appears by itself", async (t) => {
    const { client } = world.server;
    const { page } = await open(t, "/ui/fleet", "Fleet");
    const vm = { id: "vm-late", name: "latecomer", role: "worker", status: "running", address: "10.9.9.9", registeredBy: "planner" };
    await client.post("/registry/vms", { ...vm, services: [{ name: "runner", port: 5000 }] });
    await machine(page, "latecomer").getByText("Running").waitFor();
    const task = await client.create({ title: "For the latecomer", priority: 100, maxAttempts: 1 });
    await client.claim(task, "latecomer", vm.id);
    await machine(page, "latecomer").getByRole("link", { name: task.title }).waitFor();
    await machine(page, "latecomer").getByText("If it is lost: 1 dead letter.").waitFor();
    await client.request("PATCH", `/registry/vms/${vm.id}`, { status: "stopped" });
    await machine(page, "latecomer").getByText("Stopped").waitFor();
    const lost = page.getByRole("region", { name: "Lost lately" });
    await lost.getByRole("link", { name: task.title }).waitFor();
    await client.request("DELETE", `/registry/vms/${vm.id}`);
    await machine(page, "latecomer").waitFor({ state: "detached" });
});

test("a machine that goes silent stands out, and so does what it held", async (t) => {
    const { page } = await open(t, "/ui/fleet", "Fleet");
    const { lost } = world;
    await machine(page, lost.name).getByText("Stale", { exact: true }).waitFor(); // ten seconds after it was last heard of
    const panel = page.getByRole("region", { name: "Lost lately" });
    await panel.getByText(lost.id).first().waitFor();
    await panel.getByRole("link", { name: "Compress the archive" }).waitFor();
    await world.server.client.post(`/registry/vms/${lost.id}/heartbeat`);
    await machine(page, lost.name).getByText("Running").waitFor();
});

test("machines are found by name, address and service", async (t) => {
    const { page } = await open(t, "/ui/fleet", "Fleet");
    const shown = () => page.locator("main").getByRole("heading", { level: 3 }).allInnerTexts();
    await page.getByRole("searchbox").fill("mirror");
    await eventually(async () => (await shown()).join() === "infra-1,infra-2", "the two with that service");
    await page.getByRole("searchbox").fill(workers[0].address);
    await eventually(async () => (await shown()).join() === "worker-01", "the one with that address");
});

// --- the flow ---

test("the board is paused for a reason, everybody sees it, and it is resumed", async (t) => {
    const { client } = world.server;
    const { page } = await open(t, "/ui/flow", "Flow");
    const other = await open(t, "/ui/board", "Board");
    await page.getByRole("button", { name: "Pause…" }).click();
    await dialog(page).getByLabel(/^Reason/).fill("The disk is being replaced");
    await dialog(page).getByRole("button", { name: "Pause" }).click();
    const paused = page.getByRole("region", { name: "What is paused" });
    await paused.getByText("The disk is being replaced").waitFor();
    await other.page.getByText("The disk is being replaced").waitFor();
    assert.equal((await client.post("/board/claim", { agent: "eager" })).count, 0);
    await paused.getByRole("button", { name: "Resume the whole board" }).click();
    await paused.getByText("The disk is being replaced").waitFor({ state: "detached" });
    await other.page.getByText("The disk is being replaced").waitFor({ state: "detached" });
    const { tasks } = await client.post("/board/claim", { agent: "eager" });
    await client.finish(tasks[0], "release");
});

test("one tag is paused, and only that", async (t) => {
    const { page } = await open(t, "/ui/flow", "Flow");
    await page.getByRole("button", { name: "Pause…" }).click();
    await dialog(page).getByLabel(/^Only this tag/).fill("mailer");
    await dialog(page).getByLabel(/^Reason/).fill("The mail server is away");
    await dialog(page).getByRole("button", { name: "Pause" }).click();
    await page.getByRole("region", { name: "What is paused" }).getByText("The mail server is away").waitFor();
    const { tasks } = await world.server.client.get("/board/ready?agent=eager");
    assert.ok(tasks.length > 0 && !tasks.some(({ tags }) => tags.includes("mailer")));
    await page.getByRole("button", { name: /Resume.*mailer/ }).click();
    await page.getByText("The mail server is away").waitFor({ state: "detached" });
});

test("what flows is drawn, and told in numbers", async (t) => {
    const { page } = await open(t, "/ui/flow", "Flow");
    const chart = page.getByRole("figure").filter({ hasText: "Created, claimed, completed and failed a minute" });
    await chart.locator("canvas").waitFor();
    const drawn = () => chart.locator("canvas").evaluate((canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte > 0));
    await eventually(drawn, "something to be drawn");
    await chart.getByText("As a table").click();
    const { rates } = await world.server.client.get("/board/summary");
    await eventually(async () => (await chart.getByRole("row").count()) > 1, "numbers in the table");
    await page.getByRole("row").filter({ hasText: "last hour" }).getByText(String(rates["1h"].created), { exact: true }).first().waitFor();
});

// --- the feed ---

test("the feed shows what agents tell as they tell it, filtered in the URL", async (t) => {
    const { client } = world.server;
    const { page } = await open(t, "/ui/feed", "Feed");
    const events = page.locator("main").getByRole("listitem");
    await events.filter({ hasText: "The mirror is unreachable" }).waitFor();
    await client.post("/feed/events", { agent: "worker-02", type: "question", summary: "Which mirror?", detail: "There are two." });
    await events.first().filter({ hasText: "Which mirror?" }).waitFor();
    await events.first().getByText("More").click();
    await events.first().getByText("There are two.").waitFor();
    await page.getByLabel("Agent", { exact: true }).selectOption({ value: "worker-02" });
    await events.filter({ hasText: "The mirror is unreachable" }).waitFor({ state: "detached" });
    assert.equal(new URL(page.url()).searchParams.get("agent"), "worker-02");
    await page.getByLabel("Type", { exact: true }).selectOption({ value: "question" });
    await eventually(async () => (await events.count()) === 1, "one event to be left");
    await client.post("/feed/events", { agent: "worker-03", type: "question", summary: "Somebody else asks" });
    await client.post("/feed/events", { agent: "worker-02", type: "question", summary: "And which port?" });
    await events.first().filter({ hasText: "And which port?" }).waitFor();
    assert.equal(await events.count(), 2);
});

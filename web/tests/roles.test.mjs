// Who may what: the page does not pretend, and says what is missing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeWorld } from "./world.mjs";

const world = makeWorld(async (client) => ({ task: await client.create({ title: "Look, but do not touch", priority: 100 }) }));

const card = (page, title) => page.getByRole("article").filter({ hasText: title });

async function logInAs(t, role, agent) {
    const { token } = await world.server.client.post("/auth/tokens", { name: `a ${role}`, role, agent });
    const visitor = await world.visit(t, { loggedIn: false });
    await visitor.logIn(token);
    await visitor.page.goto("/ui/board");
    await card(visitor.page, world.task.title).waitFor();
    return visitor;
}

test("a viewer sees everything, and is offered nothing that would be refused", async (t) => {
    const { page } = await logInAs(t, "viewer");
    assert.equal(await page.getByRole("button", { name: "New task" }).count(), 0);
    assert.equal(await page.getByRole("checkbox", { name: `Select ${world.task.title}` }).count(), 0);
    await card(page, world.task.title).getByRole("link").press("e");
    await card(page, world.task.title).getByRole("link").press("Shift+ArrowRight");
    assert.equal(await page.getByRole("dialog").count(), 0);
    await card(page, world.task.title).getByRole("link").click();
    await page.getByRole("heading", { name: world.task.title, level: 1 }).waitFor();
    for (const name of ["Edit", "Cancel", "Delete", "Move", "Bump"]) {
        assert.equal(await page.getByRole("button", { name }).count(), 0, name);
    }
    await page.goto("/ui/flow");
    await page.getByRole("heading", { name: "Flow", level: 1 }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Pause…" }).count(), 0);
});

test("a worker with an agent signs with the agent's name", async (t) => {
    const { page } = await logInAs(t, "worker", "ann");
    await page.getByRole("button", { name: "New task" }).click();
    await page.getByRole("dialog").getByLabel("Title").fill("Made by Ann");
    await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    await card(page, "Made by Ann").waitFor();
    const { tasks } = await world.server.client.get("/board/tasks?q=ann");
    assert.deepEqual(tasks.map(({ createdBy }) => createdBy), ["ann"]);
});

test("revoking a token sends its browsers to the login form", async (t) => {
    const { id, token } = await world.server.client.post("/auth/tokens", { name: "for a day", role: "coordinator" });
    const visitor = await world.visit(t, { loggedIn: false });
    await visitor.logIn(token);
    await visitor.page.goto("/ui/board");
    await card(visitor.page, world.task.title).waitFor();
    await world.server.client.request("DELETE", `/auth/tokens/${id}`);
    await visitor.page.getByLabel("Token").waitFor();
    visitor.forgive(/401 \(Unauthorized\)/);
});

test("a server without tokens asks for none", async (t) => {
    const { page } = await world.visit(t, { flags: ["--no-auth"], loggedIn: false });
    await page.goto("/");
    await page.getByRole("button", { name: "Or make it here" }).click();
    await page.getByRole("dialog").getByLabel("Title").fill("Open to everybody");
    await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    await card(page, "Open to everybody").waitFor();
});

// Every page for everybody: no violation that axe-core knows, in light and dark, on a desk and on a phone, empty and busy.
import assert from "node:assert/strict";
import { test } from "node:test";
import { playScene } from "../play/scene.mjs";
import { makeWorld } from "./world.mjs";

const world = makeWorld(async (client) => {
    const { held } = await playScene(client);
    const [goal] = (await client.get("/board/tasks?tag=goal&tag=parser")).tasks;
    const [late] = (await client.get("/board/tasks?tag=late")).tasks;
    return { task: held[0], goal, late };
});

const LOOKS = [
    { colorScheme: "light", width: 1440 },
    { colorScheme: "dark", width: 1440 },
    { colorScheme: "light", width: 390 },
    { colorScheme: "dark", width: 390 },
];

const EXTREMES = [LOOKS[0], LOOKS[3]];

/** Path, and what is there when the page is. */
const pages = {
    board: () => ["/ui/board", (page) => page.getByRole("article").first()],
    task: () => [`/ui/tasks/${world.task.id}`, (page) => page.getByRole("heading", { name: world.task.title })],
    graph: () => [`/ui/tasks/${world.goal.id}`, (page) => page.getByRole("group", { name: "Dependency graph" }).getByRole("link").first()],
    late: () => [`/ui/tasks/${world.late.id}`, (page) => page.getByRole("button", { name: "Accept this result" })],
    fleet: () => ["/ui/fleet", (page) => page.getByText("worker-01").first()],
    flow: () => ["/ui/flow", (page) => page.getByRole("heading", { name: "Flow" })],
    feed: () => ["/ui/feed", (page) => page.getByText("The mirror is unreachable").first()],
};

/** Is there anything to the right of the screen? */
function isTooWide(page) {
    return page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
}

async function expectAccessible(visitor, path, sign, looks = LOOKS) {
    const { page } = visitor;
    await page.goto(path);
    for (const { colorScheme, width } of looks) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await sign(page).waitFor();
        const look = `${path} at ${width} px, ${colorScheme}`;
        assert.deepEqual(await visitor.violations(), [], look);
        assert.equal(await isTooWide(page), false, `${look} goes beyond the screen`);
    }
}

for (const [name, find] of Object.entries(pages)) {
    test(`the page ${name} of a busy board`, async (t) => {
        await expectAccessible(await world.visit(t), ...find());
    });
}

test("the dialogs", async (t) => {
    const visitor = await world.visit(t);
    const { page } = visitor;
    await page.goto("/ui/board");
    const card = page.getByRole("article").filter({ hasText: "Release the parser" }).getByRole("link");
    const ways = {
        "New task": () => page.getByRole("button", { name: "New task" }).click(),
        Settings: () => page.getByRole("button", { name: "Settings" }).click(),
        Move: () => card.press("m"),
        "Edit task": () => card.press("e"),
        "Late results": () => page.getByRole("button", { name: /late result/ }).click(),
    };
    for (const [name, open] of Object.entries(ways)) {
        await open();
        await page.getByRole("dialog", { name }).waitFor();
        for (const { colorScheme, width } of EXTREMES) {
            await page.setViewportSize({ width, height: 900 });
            await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
            assert.deepEqual(await visitor.violations(), [], `${name} at ${width} px, ${colorScheme}`);
            assert.equal(await isTooWide(page), false, `${name} at ${width} px goes beyond the screen`);
        }
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "detached" });
    }
});

test("the pages of an empty board", async (t) => {
    const visitor = await world.visit(t, { flags: [] });
    for (const path of ["/ui/board", "/ui/fleet", "/ui/flow", "/ui/feed"]) {
        await expectAccessible(visitor, path, (page) => page.getByRole("heading", { level: 1 }), EXTREMES);
    }
});

test("the first thing that Tab reaches leads past the navigation", async (t) => {
    const { page } = await world.visit(t);
    await page.goto("/ui/board");
    await page.getByRole("article").first().waitFor();
    await page.keyboard.press("Tab");
    await page.getByRole("link", { name: "Skip to the content" }).press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
});

test("who wants no motion gets none", async (t) => {
    const { page } = await world.visit(t, { reducedMotion: "reduce" });
    await page.goto("/ui/board");
    await page.getByRole("article").first().waitFor();
    const moving = await page.evaluate(() => document.getAnimations().filter((one) => one.playState === "running").length);
    assert.equal(moving, 0);
});

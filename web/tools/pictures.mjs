#!/usr/bin/env node
// Takes pictures of the dashboard: those of the docs, of a fleet that has worked for some minutes, or of every page in every look.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setMaxListeners } from "node:events";
import { parseArgs } from "node:util";
import { fill } from "../play/fill.mjs";
import { playFleet } from "../play/fleet.mjs";
import { playScene } from "../play/scene.mjs";
import { launch, Visitor } from "../tests/browser.mjs";
import { Server } from "../tests/server.mjs";

const HELP = `pictures.mjs [OPTIONS]: takes pictures of the dashboard

  --out DIR      where they go (docs/images)
  --minutes N    how long the fleet works before (8)
  --all          every page, light and dark, 1440 and 390 px wide, instead of those of the docs
  --board KIND   with --all: empty, busy or huge, which has 100,000 tasks (busy)
`;

const { values } = parseArgs({
    options: {
        out: { type: "string", default: "docs/images" },
        minutes: { type: "string", default: "8" },
        all: { type: "boolean", default: false },
        board: { type: "string", default: "busy" },
        help: { type: "boolean", short: "h", default: false },
    },
});
if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
}

const SEED = 7;

async function settle(page) {
    await page.locator(".live-live").waitFor();
    await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
    await page.evaluate(() => document.fonts.ready);
}

async function take(page, path, name) {
    await page.goto(path);
    await settle(page);
    await page.screenshot({ path: join(values.out, `${name}.png`) });
    console.log(join(values.out, `${name}.png`));
}

/** The fleet works while the pictures are taken. */
async function whileWorking(client, ms, act) {
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const playing = playFleet(client, { seed: SEED, pace: 1, signal: stop.signal });
    await Promise.race([playing, new Promise((resolve) => setTimeout(resolve, ms))]);
    await act();
    stop.abort();
    await playing;
}

async function takeAll(visitor, client) {
    const { page } = visitor;
    const find = async (query) => (await client.get(`/board/tasks?${query}&limit=1`)).tasks[0]?.id;
    const task = await find("tag=work&status=in_progress");
    const plan = await find("tag=goal&tag=parser");
    const paths = { board: "/ui/board", fleet: "/ui/fleet", flow: "/ui/flow", feed: "/ui/feed", task: task && `/ui/tasks/${task}`, plan: plan && `/ui/tasks/${plan}` };
    for (const colorScheme of ["light", "dark"]) {
        for (const [width, height] of [[1440, 900], [390, 844]]) {
            await page.setViewportSize({ width, height });
            await page.emulateMedia({ colorScheme });
            for (const [name, path] of Object.entries(paths).filter(([, there]) => there)) {
                await take(page, path, `${values.board}-${name}-${width}-${colorScheme}`);
            }
        }
    }
}

async function takeForDocs(visitor, client) {
    await playScene(client, SEED);
    await whileWorking(client, Number(values.minutes) * 60_000, async () => {
        await take(visitor.page, "/ui/board", "board");
        await take(visitor.page, "/ui/flow", "flow");
    });
}

mkdirSync(values.out, { recursive: true });
const server = await new Server().start();
const browser = await launch();
try {
    const { client } = server;
    const visitor = await Visitor.open(browser, server);
    await visitor.logIn();
    if (!values.all) {
        await takeForDocs(visitor, client);
    } else {
        if (values.board !== "empty") {
            await playScene(client, SEED);
        }
        if (values.board === "huge") {
            await fill(client, 100_000, { seed: SEED });
        }
        await takeAll(visitor, client);
    }
    await visitor.leave();
} finally {
    await browser.close();
    await server.close();
}

#!/usr/bin/env node
// How smooth is the board with very many tasks? Scrolls, filters, searches and drags in a real Chromium while others change the board,
// records a trace of it, and says what kept the page's main thread busy the longest at each.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fill } from "../play/fill.mjs";
import { launch, Visitor } from "../tests/browser.mjs";
import { Server } from "../tests/server.mjs";
import { eventually } from "../tests/wait.mjs";

const HELP = `frames.mjs [OPTIONS]: measures the frames of the board with many tasks

  --tasks N     on the board (100000)
  --limit MS    fail when anything took more CPU time (no limit)
  --trace FILE  where the trace goes, for the performance panel of the browser's tools (trace.json)
`;

const { values } = parseArgs({
    options: {
        tasks: { type: "string", default: "100000" },
        limit: { type: "string", default: "Infinity" },
        trace: { type: "string", default: "trace.json" },
        help: { type: "boolean", short: "h", default: false },
    },
});
if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
}

const FRAME_MS = 16.7;

// --- what is done ---

const column = (page, name) => page.getByRole("region", { name, exact: true });

/** Where the middle of something is. */
async function middleOf(locator) {
    const { x, y, width, height } = await locator.boundingBox();
    return { x: x + width / 2, y: y + height / 2 };
}

async function nextFrame(page) {
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
}

async function scroll(page, name, turns) {
    const at = await middleOf(column(page, name));
    await page.mouse.move(at.x, at.y);
    for (let turn = 0; turn < turns; turn++) {
        await page.mouse.wheel(0, turn < (2 * turns) / 3 ? 500 : -700);
        await nextFrame(page);
    }
}

async function filter(page) {
    await page.getByLabel("Tag", { exact: true }).fill("sprint-3");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: /sprint-3 out of the filter/ }).waitFor();
    await eventually(async () => (await page.locator("[aria-busy=true]").count()) === 0, "the filtered lists");
    await page.getByRole("button", { name: "Clear" }).click();
    await eventually(async () => (await page.locator("[aria-busy=true]").count()) === 0, "the whole lists");
}

async function search(page) {
    await page.getByRole("searchbox").pressSequentially("cache parser", { delay: 40 });
    await page.waitForURL(/q=cache/);
    await eventually(async () => (await page.locator("[aria-busy=true]").count()) === 0, "what was found");
    await page.getByRole("searchbox").fill("");
    await page.waitForURL((url) => !url.search.includes("q="));
    await eventually(async () => (await page.locator("[aria-busy=true]").count()) === 0, "the whole lists");
}

async function drag(page) {
    const open = await middleOf(column(page, "Open"));
    await page.mouse.move(open.x, open.y);
    await page.mouse.wheel(0, -1e7);
    await eventually(() => column(page, "Open").locator("[aria-posinset='1']").isVisible(), "the top of the column");
    const from = await middleOf(column(page, "Open").getByRole("article").first());
    const over = ["In progress", "In review", "Done", "Blocked"];
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    for (const name of over) {
        const to = await middleOf(column(page, name));
        await page.mouse.move(to.x, to.y, { steps: 15 });
        await nextFrame(page);
    }
    await page.mouse.up();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
}

/** Others go on meanwhile: thirty changes in each tenth of a second. */
async function change(client, page) {
    const made = [];
    for (let round = 0; round < 20; round++) {
        const tasks = await client.createMany(Array.from({ length: 15 }, (_, n) => ({ createdBy: "bench", title: `Came in ${round}.${n}`, priority: 100 })));
        await Promise.all(tasks.map((task) => client.patch(task, { status: "done" })));
        made.push(...tasks);
        await scroll(page, "Open", 2);
    }
    return made;
}

// --- what it took ---

/** The events of the page's main thread, by the marks between which they began. */
function busyness(trace) {
    const marks = trace.filter(({ cat, name }) => cat?.includes("blink.user_timing") && /^(begin|end) /.test(name));
    const { pid, tid } = marks[0];
    const work = trace.filter((event) => event.pid === pid && event.tid === tid && event.ph === "X" && event.name === "RunTask");
    return marks
        .filter(({ name }) => name.startsWith("begin "))
        .map(({ name, ts }) => {
            const step = name.slice("begin ".length);
            const end = marks.find((mark) => mark.name === `end ${step}`).ts;
            const tasks = work.filter((event) => event.ts >= ts && event.ts < end);
            const most = (key) => Math.max(0, ...tasks.map((event) => (event[key] ?? 0) / 1000));
            const long = tasks.filter(({ dur }) => dur > FRAME_MS * 1000).length;
            return { step, seconds: (end - ts) / 1e6, wall: most("dur"), cpu: most("tdur"), count: tasks.length, long };
        });
}

function report(rows) {
    const line = (name, ...cells) => console.log(name.padEnd(24) + cells.map((cell) => String(cell).padStart(12)).join(""));
    line("step", "seconds", "longest ms", "most CPU ms", "tasks", `> ${FRAME_MS} ms`);
    for (const { step, seconds, wall, cpu, count, long } of rows) {
        line(step, seconds.toFixed(2), wall.toFixed(1), cpu.toFixed(1), count, long);
    }
}

const server = await new Server().start();
const browser = await launch();
let longest = 0;
try {
    const { client } = server;
    console.log(`${values.tasks} tasks`);
    await fill(client, Number(values.tasks));
    const visitor = await Visitor.open(browser, server);
    const { page } = visitor;
    await visitor.logIn();
    await page.goto("/ui/");
    await page.getByRole("article").first().waitFor();
    await browser.startTracing(page, { categories: ["toplevel", "disabled-by-default-devtools.timeline", "devtools.timeline", "blink.user_timing", "v8.execute"] });
    const steps = {
        "scroll a column": () => scroll(page, "Open", 90),
        "scroll another one": () => scroll(page, "Done", 60),
        filter: () => filter(page),
        search: () => search(page),
        drag: () => drag(page),
        "600 changes by others": () => change(client, page),
    };
    for (const [name, act] of Object.entries(steps)) {
        await page.evaluate((mark) => performance.mark(mark), `begin ${name}`);
        await act();
        await nextFrame(page); // what it leaves to be drawn is its own, too
        await nextFrame(page);
        await page.evaluate((mark) => performance.mark(mark), `end ${name}`);
    }
    const trace = await browser.stopTracing();
    writeFileSync(values.trace, trace);
    const rows = busyness(JSON.parse(trace.toString()).traceEvents);
    report(rows);
    longest = Math.max(...rows.map(({ cpu }) => cpu));
    console.log(`the longest frame took ${longest.toFixed(1)} ms of CPU on the main thread; the trace is in ${values.trace}`);
} finally {
    await browser.close();
    await server.close();
}
process.exitCode = longest > Number(values.limit) ? 1 : 0;

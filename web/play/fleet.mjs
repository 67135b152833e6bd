#!/usr/bin/env node
// Plays a fleet of twenty machines against a board: planners make plans, workers claim, report, note, complete, fail and come too
// late, reviewers look at what is handed in, a person tries again what has failed for good.
import { setMaxListeners } from "node:events";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Client } from "./client.mjs";
import { fill } from "./fill.mjs";
import { keepAlive, machines, register, workers } from "./machines.mjs";
import { random } from "./random.mjs";
import { playScene } from "./scene.mjs";
import { components, failures, findings, messages, plan, title } from "./words.mjs";

const HELP = `fleet.mjs [OPTIONS]: plays a fleet against a board

  --url URL       of the board (http://localhost:3000)
  --token TOKEN   else TASKBOARD_TOKEN, VERS_AUTH_TOKEN, or what stands in ./data/admin-token
  --seed N        what is played depends on it alone, but for the times (1)
  --seconds N     for how long; 0: until Ctrl-C (0)
  --pace X        times as fast (1)
  --scene         makes a board with every kind of task, and ends
  --fill N        makes N tasks, and ends
`;

const QUEUE_MAX = 60; // ready tasks that are enough

function readToken(given) {
    const token = given ?? process.env.TASKBOARD_TOKEN ?? process.env.VERS_AUTH_TOKEN;
    return token ?? readFileSync("data/admin-token", "utf8").trim();
}

// --- time ---

function clock(pace, signal) {
    return (ms) =>
        new Promise((resolve) => {
            const end = () => {
                clearTimeout(timer);
                signal.removeEventListener("abort", end);
                resolve();
            };
            const timer = setTimeout(end, ms / pace);
            signal.addEventListener("abort", end);
        });
}

// --- the players; each goes on until `signal` says stop ---

/** What others may do at the same moment: somebody else was faster. */
function isContention(error) {
    return [409, 404].includes(error.status);
}

async function planner({ client, seed, pause, signal }) {
    const rnd = random(seed, "planner");
    while (!signal.aborted) {
        const { ready } = await client.get("/board/summary");
        if (ready < QUEUE_MAX) {
            const component = rnd.pick(components);
            const single = Array.from({ length: rnd.between(2, 6) }, () => {
                const about = rnd.pick(components);
                return { createdBy: "planner", title: title(rnd, about), tags: [about], priority: rnd.between(-5, 9), maxAttempts: 2 };
            });
            await client.createMany([...plan(rnd, component), ...single]);
        }
        await pause(rnd.between(2000, 5000));
    }
}

async function say(client, agent, type, summary) {
    await client.post("/feed/events", { agent, type, summary });
}

async function work(task, { client, agent, rnd, pause, signal }) {
    await say(client, agent, "task_started", task.title);
    const steps = rnd.between(2, 6);
    for (let step = 1; step <= steps && !signal.aborted; step++) {
        const percent = Math.floor((100 * step) / (steps + 1));
        await client.finish(task, "heartbeat", { progress: { percent, message: rnd.pick(messages) } });
        await pause(rnd.between(800, 3000));
    }
    if (rnd.chance(0.3)) {
        await client.act(task, "notes", { author: agent, type: "finding", content: rnd.pick(findings) });
    }
    if (rnd.chance(0.2)) {
        const url = `https://ci.example/reports/${rnd.between(100, 999)}`;
        await client.act(task, "artifacts", { artifacts: [{ type: "report", url, label: "test report", addedBy: agent }] });
    }
}

async function conclude(task, { client, agent, rnd }) {
    if (rnd.chance(0.12)) {
        await client.finish(task, "fail", { error: rnd.pick(failures), retryable: rnd.chance(0.7), delaySeconds: rnd.between(0, 5) });
        await say(client, agent, "task_failed", task.title);
        return;
    }
    if (rnd.chance(0.05)) {
        await client.patch(task, { status: "open" }, "?force=true"); // somebody takes it away: the result comes too late
    }
    await client.finish(task, "complete", { summary: "Done.", result: { tests: rnd.between(3, 400) }, review: rnd.chance(0.2) });
    await say(client, agent, "task_completed", task.title);
}

async function worker(machine, { client, seed, pause, signal }) {
    const rnd = random(seed, machine.name);
    const agent = machine.name;
    while (!signal.aborted) {
        const { tasks } = await client.post("/board/claim", { agent, vmId: machine.id, wait: 1 });
        for (const task of tasks) {
            try {
                await work(task, { client, agent, rnd, pause, signal });
                await conclude(task, { client, agent, rnd });
            } catch (error) {
                if (!isContention(error)) {
                    throw error;
                }
            }
        }
        await pause(rnd.between(100, 1500));
    }
}

/** Approves most of what is handed in, and gives the rest back; now and then tries dead letters again. */
async function reviewer({ client, seed, pause, signal }) {
    const rnd = random(seed, "reviewer");
    while (!signal.aborted) {
        const { tasks } = await client.get("/board/review?view=summary");
        for (const task of tasks.slice(4)) {
            const verdict = rnd.chance(0.8) ? ["approve", { approvedBy: "lead-2" }] : ["reject", { rejectedBy: "lead-2", reason: "The tests are missing" }];
            await client.act(task, ...verdict);
        }
        if (rnd.chance(0.1)) {
            await client.post("/board/retry", { tag: rnd.pick(components), by: "lead-2" });
        }
        await pause(rnd.between(3000, 6000));
    }
}

export async function playFleet(client, { seed = 1, pace = 1, signal }) {
    const pause = clock(pace, signal);
    const common = { client, seed, pause, signal };
    await register(client);
    await Promise.all([
        keepAlive(client, common),
        planner(common),
        reviewer(common),
        ...workers.map((machine) => worker(machine, common)),
    ]);
}

async function main() {
    const { values } = parseArgs({
        options: {
            url: { type: "string", default: "http://localhost:3000" },
            token: { type: "string" },
            seed: { type: "string", default: "1" },
            seconds: { type: "string", default: "0" },
            pace: { type: "string", default: "1" },
            fill: { type: "string" },
            scene: { type: "boolean", default: false },
            help: { type: "boolean", short: "h", default: false },
        },
    });
    if (values.help) {
        process.stdout.write(HELP);
        return;
    }
    const client = new Client(values.url, readToken(values.token));
    const seed = Number(values.seed);
    if (values.scene) {
        await playScene(client, seed);
        return;
    }
    if (values.fill !== undefined) {
        await fill(client, Number(values.fill), { seed, onProgress: (made) => made % 10000 === 0 && console.log(`${made} tasks`) });
        return;
    }
    const stop = new AbortController();
    setMaxListeners(0, stop.signal); // each player waits for it
    process.once("SIGINT", () => stop.abort());
    process.once("SIGTERM", () => stop.abort());
    if (Number(values.seconds) > 0) {
        setTimeout(() => stop.abort(), Number(values.seconds) * 1000).unref();
    }
    console.log(`${machines.length} machines play against ${values.url}; stop them with Ctrl-C`);
    await playFleet(client, { seed, pace: Number(values.pace), signal: stop.signal });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
    try {
        await main();
    } catch (error) {
        console.error(`fleet.mjs: ${error.cause?.message ?? error.message}`);
        process.exitCode = 1;
    }
}

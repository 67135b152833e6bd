// A busy board that stands still: every state that a task, a machine and an attempt can be in, the same with each seed but for
// the ids and the times. For the end-to-end tests and for pictures.
import { register, workers } from "./machines.mjs";
import { random } from "./random.mjs";
import { components, description, failures, findings, messages, plan, title } from "./words.mjs";

const byRef = (tasks, plans) => Object.fromEntries(plans.map(({ ref }, index) => [ref, tasks[index]]));

/** Three plans: one that is nearly done, one in the middle, one that has just begun. */
async function playPlans(client, rnd) {
    const far = { parser: ["design", "api", "code", "tests"], storage: ["design", "api"], billing: [] };
    for (const [component, finished] of Object.entries(far)) {
        const wanted = plan(rnd, component);
        const tasks = byRef(await client.createMany(wanted), wanted);
        for (const [index, ref] of finished.entries()) {
            const held = await client.claim(tasks[ref], workers[index].name, workers[index].id);
            await client.finish(held, "heartbeat", { progress: { percent: 90, message: "nearly there" } });
            await client.finish(held, "complete", { summary: `${ref} of the ${component} is done.`, result: { lines: rnd.between(40, 900) } });
        }
    }
}

/** What is being worked on, with progress, notes and artifacts; one is asked to stop. */
async function playWork(client, rnd) {
    const held = [];
    for (const [index, machine] of workers.slice(0, 8).entries()) {
        const component = components[index];
        const task = await client.create({ title: title(rnd, component), tags: [component, "work"], priority: rnd.between(-3, 9), description });
        // Every other one for the length of a lease, the rest for as long as its machine lives.
        const mine = await client.claim(task, machine.name, index % 2 === 0 ? machine.id : undefined);
        await client.finish(mine, "heartbeat", { progress: { percent: 10 + index * 11, message: messages[index % messages.length] } });
        held.push(mine);
    }
    await client.act(held[0], "notes", { author: held[0].claim.by, type: "finding", content: rnd.pick(findings) });
    await client.act(held[0], "notes", { author: "planner", type: "question", content: "Is the **old order** still needed?" });
    await client.act(held[0], "artifacts", {
        artifacts: [
            { type: "branch", url: "https://git.example/branches/import-in-pieces", label: "import-in-pieces", addedBy: held[0].claim.by },
            { type: "report", url: "https://ci.example/reports/812", label: "memory before and after" },
        ],
    });
    await client.act(held[1], "cancel", { by: "planner", reason: "Not needed any more" });
    return held;
}

/** What waits for a person: reviews, dead letters, late results, one that somebody has blocked. */
async function playTrouble(client, rnd) {
    for (const component of components.slice(0, 3)) {
        const task = await client.create({ title: title(rnd, component), tags: [component, "review"] });
        const held = await client.claim(task, workers[8].name, workers[8].id);
        await client.finish(held, "complete", { review: true, summary: "Ready to be looked at.", result: { tests: 12 } });
    }
    for (const error of failures.slice(0, 3)) {
        const task = await client.create({ title: `Nightly build of the ${rnd.pick(components)}`, tags: ["nightly"], maxAttempts: 2, description });
        for (let attempt = 1; attempt <= 2; attempt++) {
            const held = await client.claim(task, workers[9 + (attempt % 2)].name);
            await client.finish(held, "fail", { error: `${error} (attempt ${attempt})`, delaySeconds: 0 });
        }
    }
    await playLateResult(client, "Measure the importer with 40 GB");
    const held = await client.create({ title: "Renew the certificate of the mirror", tags: ["infra"], priority: 20 });
    await client.patch(held, { status: "blocked" });
}

/** A worker that was taken for dead finishes after all. */
export async function playLateResult(client, name) {
    const task = await client.create({ title: name, tags: ["late"], maxAttempts: 5 });
    const held = await client.claim(task, workers[11].name);
    await client.patch(task, { status: "open" }, "?force=true");
    try {
        await client.finish(held, "complete", { result: { peakMiB: 412, seconds: 97 }, summary: "It took longer than the lease." });
    } catch (error) {
        if (error.code !== "claim_lost") {
            throw error;
        }
    }
    return task;
}

/** What nobody works on yet, and why. */
async function playQueue(client, rnd) {
    const tasks = Array.from({ length: 24 }, (_, index) => {
        const component = components[index % components.length];
        return { createdBy: index % 3 === 0 ? "lead-1" : "planner", title: title(rnd, component), tags: [component], priority: rnd.between(-5, 8) };
    });
    const created = await client.createMany(tasks);
    await client.act(created[0], "bump", {});
    await client.create({ title: "Rotate the logs on Sunday", tags: ["infra"], delaySeconds: 86400 });
    await client.create({ title: "Train the ranking model", tags: ["gpu"], assignee: "gpu-1", priority: 3 });
    await client.create({ title: "Wait for a task that is not there yet", tags: ["plan"], dependencies: ["01ARZ3NDEKTSV4RRFFQ69G5FAV"] });
    await client.post("/board/pause", { tag: "gpu", reason: "The card is being replaced" });
}

const stories = [
    ["task_started", "Started on the importer"], ["finding", "The slow path copies each row twice"], ["blocker_found", "The mirror is unreachable"],
    ["question", "Is the old order still needed?"], ["file_changed", "server/import.c"], ["cost_update", "4.20 of 20.00 spent"],
    ["skill_proposed", "Reading flame graphs"], ["task_completed", "The parser is in"], ["task_failed", "The nightly build broke"],
    ["agent_started", "Back after a restart"],
];

async function playFeed(client, rnd) {
    for (const [index, [type, summary]] of stories.entries()) {
        const agent = workers[index % 5].name;
        await client.post("/feed/events", { agent, type, summary, detail: rnd.pick(findings), metadata: { turn: index } });
    }
}

/** A machine that is not heard of any more: it goes stale ten seconds from now, and what it holds with it. */
async function playLoss(client) {
    const lost = workers[12];
    await client.put(`/registry/vms/${lost.id}`, { ...lost, ttlSeconds: 10 });
    const task = await client.create({ title: "Compress the archive", tags: ["infra"], maxAttempts: 0 });
    await client.claim(task, lost.name, lost.id);
    return lost;
}

/** → `{held, lost}`: the tasks that are held, with their claims' tokens, and the machine that goes stale. */
export async function playScene(client, seed = 1) {
    const rnd = random(seed, "scene");
    await register(client);
    const lost = await playLoss(client);
    await playPlans(client, rnd);
    const held = await playWork(client, rnd);
    await playTrouble(client, rnd);
    await playQueue(client, rnd);
    await playFeed(client, rnd);
    return { held, lost };
}

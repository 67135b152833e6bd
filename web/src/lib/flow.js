// The flow of work, from the log: what happened in each minute, how many tasks were ready or waiting
// at its end, how long the oldest had been ready, and how long tasks stay in each status.
//
// An event tells a task as it is after a change. What it was before is known from the event before;
// of a task's first event in the window it follows from the type: who is claimed was ready.

export const MINUTE_MS = 60_000;
const RATES = ["created", "claimed", "completed", "failed"];

/** What the fold needs of an event; the rest of it can go. Absent: the event does not matter. */
export function liteOf(event) {
    if (event.topic !== "board" || event.taskId === undefined) {
        return undefined;
    }
    const task = event.data.task;
    return {
        seq: event.seq,
        at: Date.parse(event.at),
        type: event.type.slice("task.".length),
        id: event.taskId,
        state: task === undefined ? "none" : stateOf(task),
        succeeded: task?.outcome === "success",
        createdAt: task === undefined ? undefined : Date.parse(task.createdAt),
        first: task?.attempts === 1,
    };
}

/** A status, the open one split in two. */
export function stateOf(task) {
    return task.status !== "open" ? task.status : task.ready ? "ready" : "waiting";
}

const statesBefore = {
    created: () => "none",
    claimed: () => "ready",
    ready: () => "waiting",
    progress: () => "in_progress",
    completed: () => "in_progress",
    failed: () => "in_progress",
    released: () => "in_progress",
    expired: () => "in_progress",
    dead: () => "in_progress",
    approved: () => "in_review",
    rejected: () => "in_review",
    retried: () => "blocked",
};

/** Of the first event of a task. Where nothing can be concluded it did not change. */
function stateBefore(lite) {
    return statesBefore[lite.type]?.() ?? lite.state;
}

/** What an event counts as. Completed is what became done with success. */
function rateOf(lite, before) {
    if (lite.type === "created") {
        return "created";
    }
    if (lite.type === "claimed") {
        return "claimed";
    }
    if (lite.state === "done" && lite.succeeded && before !== "done") {
        return "completed";
    }
    return ["failed", "expired", "dead"].includes(lite.type) ? "failed" : undefined;
}

/** Since when a task had been ready that is claimed as its first event here: since its creation, if
 *  nobody had claimed it before. That is a guess where it waited for something. */
function sinceBefore(lite, before) {
    return before === "ready" && lite.first ? lite.createdAt : undefined;
}

function newMinute() {
    return { created: 0, claimed: 0, completed: 0, failed: 0, ready: 0, waiting: 0 };
}

function fold(lites) {
    const known = new Map(); // id → {state, since}
    const minutes = new Map(); // number of the minute → counts, and changes of the depths
    const stays = {}; // status → lengths in ms
    const waits = []; // {from, to} of each time that a task was ready
    for (const lite of lites) {
        const number = Math.floor(lite.at / MINUTE_MS);
        if (!minutes.has(number)) {
            minutes.set(number, newMinute());
        }
        const minute = minutes.get(number);
        const before = known.get(lite.id) ?? {
            state: stateBefore(lite),
            since: sinceBefore(lite, stateBefore(lite)),
        };
        const rate = rateOf(lite, before.state);
        if (rate !== undefined) {
            minute[rate]++;
        }
        if (before.state === lite.state) {
            known.set(lite.id, before);
            continue;
        }
        leave(before, lite, { minute, stays, waits });
        if (lite.state in minute) {
            minute[lite.state]++;
        }
        known.set(lite.id, { state: lite.state, since: lite.at });
    }
    return { known, minutes, stays, waits };
}

function leave({ state, since }, lite, { minute, stays, waits }) {
    if (state === "ready" || state === "waiting") {
        minute[state]--;
    }
    if (since === undefined) {
        return;
    }
    (stays[state] ??= []).push(lite.at - since);
    if (state === "ready") {
        waits.push({ from: since, to: lite.at });
    }
}

/** The age of the oldest ready task at the end of each minute, which come in their order. The oldest is
 *  the first, by its beginning, that is not over; what is over stays so, and is never looked at again. */
function oldestAt(ends, waits) {
    const sorted = [...waits].sort((a, b) => a.from - b.from);
    let first = 0;
    return ends.map((end) => {
        while (first < sorted.length && sorted[first].to <= end) {
            first++;
        }
        return first < sorted.length ? Math.max(0, end - sorted[first].from) : 0;
    });
}

function quantile(sorted, share) {
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

function staysOf(stays) {
    const rows = [];
    for (const status of ["ready", "waiting", "in_progress", "in_review", "blocked"]) {
        const sorted = (stays[status] ?? []).sort((a, b) => a - b);
        if (sorted.length > 0) {
            rows.push({
                status,
                count: sorted.length,
                median: quantile(sorted, 0.5),
                most: quantile(sorted, 0.9),
                longest: sorted.at(-1),
            });
        }
    }
    return rows;
}

/** Of minutes that began before the log was read, nothing is said. */
function leaveOut(flow, knownFrom) {
    const count = flow.times.filter((time) => time * 1000 < knownFrom).length;
    for (const name of [...RATES, "ready", "waiting", "oldest"]) {
        flow[name].fill(null, 0, count);
    }
}

/** `lites` in the order of the log, `head`: how it is now (`{at, ready, waiting, oldestReadyAt?}`).
 *  Gives arrays with an entry for each minute from `from` on, the last one still running; null for those
 *  that began before `knownFrom`. */
export function flowOf(lites, from, head, knownFrom = -Infinity) {
    const { known, minutes, stays, waits } = fold(lites);
    for (const { state, since } of known.values()) {
        if (state === "ready" && since !== undefined) {
            waits.push({ from: since, to: Infinity });
        }
    }
    if (head.oldestReadyAt !== undefined) {
        waits.push({ from: head.oldestReadyAt, to: Infinity });
    }
    const first = Math.floor(from / MINUTE_MS);
    const last = Math.floor(head.at / MINUTE_MS);
    const flow = {
        times: [],
        ready: [],
        waiting: [],
        ...Object.fromEntries(RATES.map((name) => [name, []])),
    };
    let { ready, waiting } = head;
    for (let number = last; number >= first; number--) {
        const minute = minutes.get(number) ?? newMinute();
        flow.times.push((number * MINUTE_MS) / 1000);
        RATES.forEach((name) => flow[name].push(minute[name]));
        flow.ready.push(Math.max(0, ready));
        flow.waiting.push(Math.max(0, waiting));
        ready -= minute.ready;
        waiting -= minute.waiting;
    }
    Object.values(flow).forEach((column) => column.reverse());
    const ends = flow.times.map((time) => Math.min(time * 1000 + MINUTE_MS, head.at));
    flow.oldest = oldestAt(ends, waits).map((ms) => ms / 1000);
    flow.stays = staysOf(stays);
    leaveOut(flow, knownFrom);
    return flow;
}

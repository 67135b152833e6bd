// Late results: those that came when their claim was over, and wait for somebody to accept them. No
// list of tasks tells of them, the log does.
import { signal } from "@preact/signals";
import { get } from "../api/http.js";
import { isSettled } from "../lib/card.js";
import { onEvents } from "./live.js";

const WINDOW = 20_000; // events that the server looks at in one request
const WINDOWS_MAX = 5;
const TASKS_MAX = 50;

/** id of the task → its title */
export const late = signal(new Map());

function without(ids) {
    const next = new Map(late.value);
    ids.forEach((id) => next.delete(id));
    return next;
}

function take(events) {
    const over = new Set();
    const added = new Map();
    for (const { type, taskId, data } of events) {
        if (type === "task.late") {
            added.set(taskId, data.task.title);
            over.delete(taskId);
        } else if (type === "task.deleted" || (data?.task && isSettled(data.task))) {
            added.delete(taskId);
            over.add(taskId);
        }
    }
    const known = [...over].filter((id) => late.value.has(id));
    if (added.size > 0 || known.length > 0) {
        late.value = new Map([...without(known), ...added]);
    }
}

async function findIn(since) {
    const query = { since, type: "task.late", topic: "board", limit: 1000 };
    const { data } = await get("/events", query);
    return data.events.filter((event) => event.seq <= since + WINDOW);
}

async function keepOpenOnes(found) {
    for (const id of [...found.keys()].slice(-TASKS_MAX)) {
        try {
            const { data } = await get(`/board/tasks/${id}`);
            if (!isSettled(data)) {
                late.value = new Map([...late.value, [id, data.title]]);
            }
        } catch {
            // Deleted meanwhile: nothing waits.
        }
    }
}

/** Looks back from `head`, as far as a few requests reach. */
export async function startLate(head) {
    onEvents(take);
    const found = new Map();
    for (let i = 1; i <= WINDOWS_MAX; i++) {
        const since = Math.max(0, head - i * WINDOW);
        try {
            for (const event of await findIn(since)) {
                found.set(event.taskId, event.data.task.title);
            }
        } catch {
            break;
        }
        if (since === 0) {
            break;
        }
    }
    await keepOpenOnes(found);
}

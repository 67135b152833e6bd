// Late results: those that came when their claim was over, and wait for somebody to accept them. No
// list of tasks tells of them, the log does.
import { signal } from "@preact/signals";
import { get } from "../api/http.js";
import { isSettled } from "../lib/card.js";
import { onEvents } from "./live.js";

const WINDOW = 20_000; // events that the server looks at in one request
const WINDOWS_MAX = 50; // the log's usual length
const PAUSE_MS = 100; // between two requests
const TASKS_MAX = 100;

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

/** The tasks of late results behind `since`, as many events as one request looks at. */
async function findIn(since) {
    const { data } = await get("/events", { since, type: "task.late", topic: "board", limit: 1000 });
    const found = new Map(data.events.map((event) => [event.taskId, event]));
    return { found, isStart: data.oldest > since };
}

async function keepOpenOnes(found, looked) {
    for (const id of found.keys()) {
        if (looked.has(id) || looked.size >= TASKS_MAX) {
            continue;
        }
        looked.add(id);
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

/** Looks back from `head`, the latest first, and without haste: it is a mark on few cards. */
export async function startLate(head) {
    onEvents(take);
    const looked = new Set();
    for (let i = 1; i <= WINDOWS_MAX; i++) {
        try {
            const { found, isStart } = await findIn(Math.max(0, head - i * WINDOW));
            await keepOpenOnes(found, looked);
            if (isStart) {
                return;
            }
        } catch {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
}

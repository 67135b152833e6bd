// Late results: those that came when their claim was over, and wait for somebody to accept them. No
// list of tasks tells of them, the log does.
import { signal } from "@preact/signals";
import { get } from "../api/http.js";
import { isSettled } from "../lib/card.js";
import { onEvents } from "./live.js";

const WINDOW = 20_000; // events that the server looks at in one request
const WINDOWS_MAX = 50; // the log's usual length
const AT_ONCE = 3; // requests: the columns want to be loaded, too
const PAUSE_MS = 100; // between two times that many
const TASKS_MAX = 100;

/** id of the task → its title */
export const late = signal(new Map());

function without(ids) {
    const next = new Map(late.value);
    ids.forEach((id) => next.delete(id));
    return next;
}

/** Ends the wait for somebody to accept it. */
function isOver({ type, data }) {
    return type === "task.deleted" || (data?.task !== undefined && isSettled(data.task));
}

function take(events) {
    const over = new Set();
    const added = new Map();
    for (const event of events) {
        const { type, taskId, data } = event;
        if (type === "task.late") {
            added.set(taskId, data.task.title);
            over.delete(taskId);
        } else if (isOver(event)) {
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
    return { ids: data.events.map((event) => event.taskId), isStart: data.oldest > since };
}

/** `[id, title]` of a task whose late result still waits; null: it does not. */
async function openOne(id) {
    try {
        const { data } = await get(`/board/tasks/${id}`);
        return isSettled(data) ? null : [id, data.title];
    } catch {
        return null; // deleted meanwhile
    }
}

/** The next of them, all at once. */
function partsOf(items) {
    return Array.from({ length: Math.ceil(items.length / AT_ONCE) }, (_, i) =>
        items.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
    );
}

async function openOnes(ids) {
    const found = [];
    for (const part of partsOf(ids)) {
        found.push(...(await Promise.all(part.map(openOne))));
    }
    return found.filter((one) => one !== null);
}

/** Where to begin, so that the log up to `head` is looked through, its end first. */
function windowsOf(head) {
    const count = Math.min(WINDOWS_MAX, Math.ceil(head / WINDOW));
    return Array.from({ length: count }, (_, i) => Math.max(0, head - (i + 1) * WINDOW));
}

/** The cards are drawn anew for each change, so that there is one for all that was found at a time. */
async function lookBack(head, isOverSince) {
    const looked = new Set();
    for (const part of partsOf(windowsOf(head))) {
        const windows = await Promise.all(part.map(findIn));
        const ids = new Set(windows.flatMap(({ ids }) => ids.reverse()));
        const unknown = [...ids].filter((id) => !looked.has(id)).slice(0, TASKS_MAX - looked.size);
        unknown.forEach((id) => looked.add(id));
        const open = (await openOnes(unknown)).filter(([id]) => !isOverSince.has(id));
        if (open.length > 0) {
            late.value = new Map([...late.value, ...open]);
        }
        if (windows.some(({ isStart }) => isStart)) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
}

/** Looks back from `head` without haste: it is a mark on few cards. */
export async function startLate(head) {
    onEvents(take);
    const over = new Set(); // what was looked at may be settled before it is shown
    const stop = onEvents((events) => events.filter(isOver).forEach(({ taskId }) => over.add(taskId)));
    try {
        await lookBack(head, over);
    } catch {
        // Nothing depends on it; what comes late from now on is shown.
    } finally {
        stop();
    }
}

// The VMs, the tasks they hold, and what was lost lately; kept up to date while the page is open.
import { signal } from "@preact/signals";
import { get } from "../api/http.js";
import { cardOf } from "../lib/card.js";
import { addLosses } from "../lib/losses.js";
import { onEvents, onReset, summary } from "../store/live.js";

const VMS_MS = 10_000; // signs of life are no events
const SOON_MS = 800;
const HELD_MAX = 5000;
const LOOK_BACK = 20_000; // events
const LOSSES_LOOKED_UP = 6;
const TASKS_LOOKED_UP = 40;

export const vms = signal(null);
export const vmsError = signal(null);
/** id of the VM → cards of the tasks that are claimed with it */
export const heldBy = signal(new Map());
/** Cards that are claimed without a VM. */
export const heldElsewhere = signal([]);
export const losses = signal([]);

const held = new Map();

async function fetchVms() {
    try {
        vms.value = (await get("/registry/vms")).data.vms;
        vmsError.value = null;
    } catch (error) {
        vmsError.value = error;
    }
}

function publishHeld() {
    const byVm = new Map();
    const elsewhere = [];
    for (const card of held.values()) {
        const { vmId } = card.claim;
        if (vmId === undefined) {
            elsewhere.push(card);
        } else if (byVm.has(vmId)) {
            byVm.get(vmId).push(card);
        } else {
            byVm.set(vmId, [card]);
        }
    }
    heldBy.value = byVm;
    heldElsewhere.value = elsewhere;
}

function keep(task) {
    if (task.claim === undefined) {
        return held.delete(task.id);
    }
    held.set(task.id, cardOf(task));
    return true;
}

async function fetchHeld() {
    let cursor;
    held.clear();
    do {
        const query = { status: "in_progress", view: "summary", limit: 1000, cursor };
        const { data } = await get("/board/tasks", query);
        data.tasks.forEach(keep);
        cursor = data.nextCursor;
    } while (cursor !== undefined && held.size < HELD_MAX);
    publishHeld();
}

/** The events behind the last VMs that were lost. */
async function fetchLosses() {
    const since = Math.max(0, summary.value.seq - LOOK_BACK);
    const { data } = await get("/events", { since, topic: "registry", limit: 1000 });
    const ends = data.events.filter(({ type }) => type === "vm.stale" || type === "vm.deregistered");
    let found = [];
    for (const end of ends.slice(-LOSSES_LOOKED_UP)) {
        const behind = await get("/events", { since: end.seq, limit: TASKS_LOOKED_UP });
        const next = behind.data.events.findIndex(({ topic }) => topic === "registry");
        const tasks = next < 0 ? behind.data.events : behind.data.events.slice(0, next);
        found = addLosses(found, [end, ...tasks]);
    }
    losses.value = found;
}

function fetchAll() {
    fetchVms();
    fetchHeld().catch(() => {});
    fetchLosses().catch(() => {});
}

function take(events, fetchVmsSoon) {
    const changed = events.filter(({ type, taskId, data }) =>
        type === "task.deleted" ? held.delete(taskId) : data?.task !== undefined && keep(data.task),
    );
    if (changed.length > 0) {
        publishHeld();
        fetchVmsSoon();
    }
    if (events.some(({ topic }) => topic === "registry")) {
        fetchVmsSoon();
    }
    if (events.some(({ topic, data }) => topic === "registry" || data?.reason === "vm_lost")) {
        losses.value = addLosses(losses.value, events);
    }
}

/** Begins, and returns how to end. */
export function followFleet() {
    let soon = 0;
    const fetchVmsSoon = () => {
        soon ||= setTimeout(() => {
            soon = 0;
            fetchVms();
        }, SOON_MS);
    };
    fetchAll();
    const stopEvents = onEvents((events) => take(events, fetchVmsSoon));
    const stopReset = onReset(fetchAll);
    const timer = setInterval(() => document.hidden || fetchVms(), VMS_MS);
    return () => {
        clearTimeout(soon);
        clearInterval(timer);
        stopEvents();
        stopReset();
    };
}

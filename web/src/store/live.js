// What all pages share: the summary, the stream, and who wants to hear of events.
import { signal } from "@preact/signals";
import { get, loggedIn } from "../api/http.js";
import { openStream } from "../api/stream.js";

const FLUSH_MS = 60; // events are handed on in batches, at most so often
const BATCH_MAX = 2000; // more at once would be felt
const SUMMARY_MS = 1000; // and the summary is asked for again at most so often
const HIDDEN_MS = 60_000; // a page that nobody looks at gives its connection back
const CATCH_UP_MAX = 5000; // events; above that listing again is quicker

export const summary = signal(null);
export const summaryError = signal(null);
/** `{name: "connecting" | "live" | "waiting" | "asleep", retryAt?}` */
export const connection = signal({ name: "connecting" });

const eventListeners = new Set();
const resetListeners = new Set();

let stream = null;
let queue = [];
let flushTimer = 0;
let summaryTimer = 0;
let asked = 0;
let answered = 0;
let hiddenTimer = 0;

/** `fn(events)` for each batch. Returns how to stop. */
export function onEvents(fn) {
    eventListeners.add(fn);
    return () => eventListeners.delete(fn);
}

/** `fn()` when events were missed and everything is to be listed again. Returns how to stop. */
export function onReset(fn) {
    resetListeners.add(fn);
    return () => resetListeners.delete(fn);
}

export async function refreshSummary() {
    const number = ++asked;
    try {
        const { data } = await get("/board/summary");
        if (number > answered) {
            answered = number; // of two on their way the one asked for last counts
            summary.value = data;
            summaryError.value = null;
        }
        return data;
    } catch (error) {
        summaryError.value = error;
        return null;
    }
}

function refreshSummarySoon() {
    if (summaryTimer === 0) {
        summaryTimer = setTimeout(() => {
            summaryTimer = 0; // what happens while it is on its way asks once more
            refreshSummary();
        }, SUMMARY_MS);
    }
}

function flush() {
    const events = queue.slice(0, BATCH_MAX);
    queue = queue.slice(BATCH_MAX);
    flushTimer = queue.length > 0 ? setTimeout(flush, 0) : 0;
    for (const listener of eventListeners) {
        listener(events);
    }
    refreshSummarySoon();
}

function reset() {
    queue = [];
    for (const listener of resetListeners) {
        listener();
    }
    refreshSummarySoon();
}

function open(since) {
    stream = openStream(since, {
        onEvents(events) {
            queue.push(...events);
            if (flushTimer === 0) {
                flushTimer = setTimeout(flush, FLUSH_MS);
            }
        },
        onReset: reset,
        onState(state) {
            connection.value = state;
            if (state.name === "live" && summaryError.value !== null) {
                refreshSummarySoon();
            }
        },
    });
}

function fallAsleep() {
    if (stream !== null) {
        stream.close();
        connection.value = { name: "asleep" };
    }
}

async function wakeUp() {
    clearTimeout(hiddenTimer);
    if (connection.value.name !== "asleep" || !loggedIn.value) {
        return;
    }
    connection.value = { name: "connecting" };
    const head = (await refreshSummary())?.seq;
    if (head !== undefined && head - stream.seq() > CATCH_UP_MAX) {
        open(head);
        reset();
    } else {
        open(stream.seq());
    }
}

function onVisibility() {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
        hiddenTimer = setTimeout(fallAsleep, HIDDEN_MS);
    } else {
        wakeUp();
    }
}

/** What listeners have heard of, or will with the next batch. */
export function streamSeq() {
    return stream?.seq() ?? summary.value?.seq ?? 0;
}

export function retryNow() {
    stream?.retryNow();
}

/** Tries until the summary is there, which also tells whether anybody is logged in. */
export async function startLive() {
    const first = await refreshSummary();
    if (first === null) {
        if (loggedIn.value) {
            connection.value = { name: "waiting", retryAt: Date.now() + 3000 };
            setTimeout(startLive, 3000);
        }
        return;
    }
    open(first.seq);
    document.addEventListener("visibilitychange", onVisibility);
}

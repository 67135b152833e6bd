// The log, read back page by page as far as the chart reaches, and followed from then on.
import { signal } from "@preact/signals";
import { get } from "../api/http.js";
import { liteOf } from "../lib/flow.js";
import { onEvents, onReset, streamSeq } from "../store/live.js";

const PAGE = 1000;
const PAGES_AT_ONCE = 4;
const PAGES_MAX = 20; // of one go; more on demand
const KEPT_MAX = 100_000;

/** In the order of the log. The array is replaced when it changes. */
export const lites = signal([]);
/** `{seq, at, done}`: how far back the log was read; `done`: to its start. */
export const reach = signal(null);
export const reading = signal(false);
export const readError = signal(null);

let following = false;

function add(before, events, after) {
    const next = before.concat(
        events.map(liteOf).filter((lite) => lite !== undefined),
        after,
    );
    lites.value = next.length > KEPT_MAX ? next.slice(-KEPT_MAX) : next;
}

async function page(since) {
    const { data } = await get("/events", { since, limit: PAGE });
    return data;
}

/** The events `to - PAGES_AT_ONCE * PAGE` to `to`, both exclusive at their ends as `since` is. */
async function span(to) {
    const starts = [];
    for (let since = to - PAGE; since > to - PAGE * (PAGES_AT_ONCE + 1); since -= PAGE) {
        starts.unshift(Math.max(0, since));
        if (since <= 0) {
            break;
        }
    }
    const pages = await Promise.all(starts.map(page));
    const events = new Map();
    for (const event of pages.flatMap((one) => one.events)) {
        if (event.seq <= to) {
            events.set(event.seq, event);
        }
    }
    return {
        events: [...events.values()].sort((a, b) => a.seq - b.seq),
        from: starts[0],
        oldest: pages[0].oldest,
    };
}

/** Reads back until `untilMs` is reached, the log begins, or it was enough for now. */
export async function readBack(untilMs) {
    if (reading.value) {
        return;
    }
    reading.value = true;
    readError.value = null;
    try {
        for (let pages = 0; pages < PAGES_MAX; pages += PAGES_AT_ONCE) {
            if (reach.value.done || reach.value.at <= untilMs) {
                break;
            }
            const { events, from, oldest } = await span(reach.value.seq);
            add([], events, lites.value);
            reach.value = {
                seq: from,
                at: events.length > 0 ? Date.parse(events[0].at) : reach.value.at,
                done: from < oldest,
            };
        }
    } catch (error) {
        readError.value = error;
    }
    reading.value = false;
}

/** Where the reading back and the following meet. */
let meeting = 0;

function begin() {
    meeting = streamSeq();
    lites.value = [];
    reach.value = { seq: meeting, at: Infinity, done: meeting === 0 };
}

/** From the first look on everything is kept, also while another page is shown. */
export function followFlow() {
    if (following) {
        return;
    }
    following = true;
    begin();
    onEvents((events) =>
        add(
            lites.value,
            events.filter(({ seq }) => seq > meeting),
            [],
        ),
    );
    onReset(begin);
}

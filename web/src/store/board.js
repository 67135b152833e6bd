// The board's columns: pages of the server's lists, kept up to date by the events that follow.
import { batch, signal } from "@preact/signals";
import { get } from "../api/http.js";
import { cardOf } from "../lib/card.js";
import { serverNow } from "../lib/clock.js";
import { addPage, dropCard, newBoard, placeCard } from "../lib/column.js";
import { STATUSES, listQuery, matcherOf, noFilter, orderOf, statusesOf } from "../lib/filter.js";
import { onEvents, onReset } from "./live.js";

const FIRST_PAGE = 100;
const NEXT_PAGE = 500;
const RELOADED_MAX = 2000; // of a column in which somebody has scrolled
const KEPT_MAX = 20_000; // cards of a column that nobody scrolls through; then it begins anew
const SEARCH_AGAIN_MS = 4000;

const idle = { rev: 0, loading: false, error: null };

/** Of each column: `rev` rises when its cards change; `loading`, `error`. */
export const columnStates = Object.fromEntries(STATUSES.map((status) => [status, signal(idle)]));

let filter = noFilter;
let board = newBoard(
    STATUSES,
    (status) => orderOf(noFilter, status),
    () => true,
);
let abort = new AbortController();
let searchTimer = 0;

/** What came by events while a page is on its way: the page may not know of it. */
const underway = new Set();

/** Columns whose reader is away from the top; they keep what they have. */
export const scrolled = new Set();

export function columnOf(status) {
    return board.columns[status];
}

export function cardWithId(id) {
    return board.cards.get(id);
}

export function currentFilter() {
    return filter;
}

function update(status, more) {
    const state = columnStates[status];
    state.value = { ...state.value, ...more };
}

function touch(statuses) {
    for (const status of statuses) {
        update(status, { rev: columnStates[status].value.rev + 1 });
    }
}

/** An event or the answer to a write: the task as it is now, or its end. */
function apply(change) {
    for (const missed of underway) {
        missed.push(change);
    }
    return change.card === undefined ? dropCard(board, change.id) : placeCard(board, change.card);
}

async function fetchPage(status, limit, cursor, signal) {
    const query = { ...listQuery(filter, status), limit, cursor };
    return (await get("/board/tasks", query, signal)).data;
}

/** As many as somebody has scrolled through already, so that the place is kept. */
function firstPage(status, signal) {
    const shown = scrolled.has(status) ? board.columns[status].cards.length : 0;
    const limit = Math.max(FIRST_PAGE, Math.min(shown, RELOADED_MAX));
    return fetchPage(status, limit, undefined, signal);
}

/** A column is drawn in a frame of its own: all at once would be one long one. */
function nextFrame() {
    return new Promise((resolve) => {
        if (document.hidden) {
            setTimeout(resolve, 0);
        } else {
            requestAnimationFrame(resolve);
        }
    });
}

/** Loads what comes behind the last card of a column. */
export async function loadMore(status) {
    const column = board.columns[status];
    if (column.complete || columnStates[status].value.loading) {
        return;
    }
    const mine = abort.signal;
    const missed = [];
    underway.add(missed);
    update(status, { loading: true, error: null });
    try {
        const data = await fetchPage(status, NEXT_PAGE, column.cursor, mine);
        if (!mine.aborted) {
            addPage(board, status, data.tasks.map(cardOf), data.nextCursor);
            const touched = new Set([status]);
            underway.delete(missed);
            for (const change of missed) {
                apply(change).forEach((name) => touched.add(name));
            }
            batch(() => {
                update(status, { loading: false });
                touch(touched);
            });
        }
    } catch (error) {
        if (!mine.aborted) {
            update(status, { loading: false, error });
        }
    } finally {
        underway.delete(missed);
    }
}

function newest(pages, missed) {
    const shown = pages.map(([status]) => status);
    board = newBoard(STATUSES, (status) => orderOf(filter, status), matcherOf(filter));
    for (const status of STATUSES) {
        board.columns[status].complete = !shown.includes(status);
    }
    for (const [status, data] of pages) {
        addPage(board, status, data.tasks.map(cardOf), data.nextCursor);
    }
    missed.forEach(apply);
}

async function showColumns(signal) {
    for (const status of STATUSES) {
        if (signal.aborted) {
            return;
        }
        const { rev } = columnStates[status].value;
        update(status, { rev: rev + 1, loading: false, error: null });
        await nextFrame();
    }
}

/** Lists everything from the start. What is shown stays until all of it is here. */
export async function reload() {
    abort.abort();
    abort = new AbortController();
    clearTimeout(searchTimer);
    searchTimer = 0;
    const mine = abort.signal;
    const missed = [];
    underway.clear();
    underway.add(missed);
    STATUSES.forEach((status) => update(status, { loading: true, error: null }));
    try {
        const pages = await Promise.all(
            statusesOf(filter).map(async (status) => [status, await firstPage(status, mine)]),
        );
        underway.delete(missed);
        if (!mine.aborted) {
            newest(pages, missed);
            await showColumns(mine);
        }
    } catch (error) {
        underway.delete(missed);
        if (!mine.aborted) {
            STATUSES.forEach((status) => update(status, { loading: false, error }));
        }
    }
}

/** Rises when another filter is shown: its lists begin at their top. */
export const listing = signal(0);

/** Lists what fits; not again when that is what is shown and kept up to date already. */
export function showFilter(next) {
    if (listing.value > 0 && JSON.stringify(next) === JSON.stringify(filter)) {
        return false;
    }
    filter = next;
    scrolled.clear();
    listing.value++;
    reload();
    return true;
}

/** A task that does not fit by its title may do so by its description, which events do not tell. */
function searchAgainSoon() {
    if (searchTimer === 0) {
        searchTimer = setTimeout(reload, SEARCH_AGAIN_MS);
    }
}

function changeOf(event) {
    if (event.type === "task.deleted") {
        return { id: event.taskId };
    }
    return { id: event.taskId, card: cardOf(event.data.task) };
}

function beginAnewWhereTooLong() {
    for (const status of STATUSES) {
        if (board.columns[status].cards.length > KEPT_MAX && !scrolled.has(status)) {
            reload();
            return;
        }
    }
}

function take(events) {
    const touched = new Set();
    let repause = false;
    for (const event of events) {
        if (event.type === "board.paused" || event.type === "board.resumed") {
            repause = true;
        }
        if (event.topic !== "board" || event.taskId === undefined) {
            continue;
        }
        const names = apply(changeOf(event));
        names.forEach((name) => touched.add(name));
        if (filter.q !== "" && names.length === 0 && /created|updated/.test(event.type)) {
            searchAgainSoon();
        }
    }
    batch(() => touch(touched));
    if (repause) {
        reload(); // a pause changes what is ready, and no event names all those tasks
    } else {
        beginAnewWhereTooLong();
    }
}

/** Shows the answer to a write at once; its event comes a moment later and changes nothing more. */
export function showTask(task) {
    batch(() => touch(apply({ id: task.id, card: cardOf(task) })));
}

const LEASES_MS = 10_000;
const LEASE_LEFT_MS = 25_000;
const LEASES_MAX = 500;

function endsSoon({ claim }) {
    return (
        claim !== undefined &&
        claim.vmId === undefined &&
        Date.parse(claim.expiresAt) - serverNow() < LEASE_LEFT_MS
    );
}

/** A heartbeat is no event: whether a lease that seems to end was renewed has to be asked. */
async function refreshLeases() {
    if (document.hidden || !board.columns.in_progress.cards.some(endsSoon)) {
        return;
    }
    const query = {
        status: "in_progress",
        order: "updated",
        limit: LEASES_MAX,
        fields: "id,version,claim,progress",
    };
    const { data } = await get("/board/tasks", query);
    const touched = new Set();
    for (const { id, version, claim, progress } of data.tasks) {
        const known = board.cards.get(id);
        if (known?.version === version) {
            placeCard(board, { ...known, claim, progress }).forEach((name) => touched.add(name));
        }
    }
    batch(() => touch(touched));
}

export function startBoard() {
    onEvents(take);
    onReset(reload);
    setInterval(() => refreshLeases().catch(() => {}), LEASES_MS);
}

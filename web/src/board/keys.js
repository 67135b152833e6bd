// Keys on a card. Those that are a single letter can be switched off (WCAG 2.1.4).
import { STATUSES, statusesOf } from "../lib/filter.js";
import { indexOf } from "../lib/column.js";
import { cardWithId, columnOf, currentFilter } from "../store/board.js";
import { may } from "../store/session.js";
import { settings } from "../store/settings.js";
import { openMove, startMove } from "./move.jsx";
import { clearSelection, standOn, toggle } from "./selection.js";
import { openEdit } from "./task_form.jsx";

function goVertically(card, step) {
    const { cards } = columnOf(card.status);
    const at = indexOf(columnOf(card.status), card);
    const next = cards[Math.max(0, Math.min(cards.length - 1, at + step))];
    if (next !== undefined) {
        standOn(next);
    }
}

function beside(status, step) {
    return STATUSES[STATUSES.indexOf(status) + step];
}

function goSideways(card, step, event) {
    const row = event.target.getBoundingClientRect().top;
    let status = beside(card.status, step);
    while (status !== undefined && columnOf(status).cards.length === 0) {
        status = beside(status, step);
    }
    if (status === undefined || !statusesOf(currentFilter()).includes(status)) {
        return;
    }
    const rows = [...document.querySelectorAll(`[aria-labelledby="column-${status}"] [data-card]`)];
    const far = (node) => Math.abs(node.getBoundingClientRect().top - row);
    const nearest = rows.sort((a, b) => far(a) - far(b))[0];
    standOn(cardWithId(nearest?.dataset.card) ?? columnOf(status).cards[0]);
}

function moveSideways(card, step) {
    const to = beside(card.status, step);
    if (to !== undefined && may("worker")) {
        startMove(card, to);
    }
}

const PAGE = 8;

const always = {
    ArrowDown: (card) => goVertically(card, 1),
    ArrowUp: (card) => goVertically(card, -1),
    PageDown: (card) => goVertically(card, PAGE),
    PageUp: (card) => goVertically(card, -PAGE),
    Home: (card) => goVertically(card, -Infinity),
    End: (card) => goVertically(card, Infinity),
    ArrowRight: (card, event) => (event.shiftKey ? moveSideways(card, 1) : goSideways(card, 1, event)),
    ArrowLeft: (card, event) => (event.shiftKey ? moveSideways(card, -1) : goSideways(card, -1, event)),
    " ": (card, event) => may("coordinator") && toggle(card, event.shiftKey),
    Escape: () => clearSelection(),
};

const letters = {
    x: (card) => may("coordinator") && toggle(card),
    m: (card) => may("worker") && openMove(card),
    e: (card) => may("coordinator") && openEdit(card.id),
};

export function onCardKey(event) {
    const card = cardWithId(event.target.closest?.("[data-card]")?.dataset.card);
    if (card === undefined || event.ctrlKey || event.metaKey || event.altKey) {
        return;
    }
    const act = always[event.key] ?? (settings.value.keys ? letters[event.key] : undefined);
    if (act !== undefined) {
        event.preventDefault();
        act(card, event);
    }
}

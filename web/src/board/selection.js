// Which cards are selected, and which one of each column the keyboard stands on.
import { signal } from "@preact/signals";
import { cardWithId, columnOf } from "../store/board.js";

export const SELECTED_MAX = 1000;

export const selected = signal(new Set());

/** status → id of the card that Tab reaches in that column */
export const stands = signal({});
/** Rises when that card is to get the focus. */
export const grabs = signal({ status: "", count: 0 });
/** The column that a narrow screen shows. */
export const shownColumn = signal("open");

let last = null;

export function clearSelection() {
    selected.value = new Set();
    last = null;
}

function setSelected(ids, on) {
    const next = new Set(selected.value);
    for (const id of ids) {
        if (!on) {
            next.delete(id);
        } else if (next.size < SELECTED_MAX) {
            next.add(id);
        }
    }
    selected.value = next;
}

/** With `range`: all cards of the column from the one selected last to this one. */
export function toggle(card, range = false) {
    const on = !selected.value.has(card.id);
    const from = range && last !== null ? cardWithId(last) : undefined;
    last = card.id;
    if (from === undefined || from.status !== card.status) {
        setSelected([card.id], on);
        return;
    }
    const { cards } = columnOf(card.status);
    const ends = [cards.indexOf(from), cards.indexOf(card)].sort((a, b) => a - b);
    setSelected(
        cards.slice(ends[0], ends[1] + 1).map(({ id }) => id),
        true,
    );
}

export function toggleColumn(status) {
    const ids = columnOf(status)
        .cards.slice(0, SELECTED_MAX)
        .map(({ id }) => id);
    setSelected(ids, !ids.every((id) => selected.value.has(id)));
}

export function standOn(card, grab = true) {
    if (stands.value[card.status] !== card.id) {
        stands.value = { ...stands.value, [card.status]: card.id };
    }
    if (grab) {
        shownColumn.value = card.status;
        grabs.value = { status: card.status, count: grabs.value.count + 1 };
    }
}

// One column of the board: the first so many of a list that the server keeps in the same order. What
// comes behind the last card is fetched when somebody scrolls there, so that a change whose place is
// behind it needs not be kept.
import { comparators, isNewer } from "./card.js";

export function newColumn(status, order) {
    return {
        status,
        order,
        cards: [],
        cursor: undefined, // of the next page; undefined: from the start
        complete: false, // the last card is the last of the list
    };
}

/** Where `card` stands or would stand: the index of the first that does not come before it. */
export function placeOf(column, card) {
    const compare = comparators[column.order];
    let low = 0;
    let high = column.cards.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (compare(column.cards[middle], card) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

export function indexOf(column, card) {
    const place = placeOf(column, card);
    if (column.cards[place]?.id === card.id) {
        return place;
    }
    // The server's order is not quite ours where its aging is another one.
    return column.cards.findIndex((other) => other.id === card.id);
}

function insert(column, card) {
    const place = placeOf(column, card);
    if (place < column.cards.length || column.complete) {
        column.cards.splice(place, 0, card);
        return true;
    }
    return false;
}

function remove(column, card) {
    const index = indexOf(column, card);
    if (index >= 0) {
        column.cards.splice(index, 1);
    }
}

/** All columns of a board with one filter. `cards` has every card that stands in one of them. */
export function newBoard(statuses, orderOf, matches) {
    const columns = {};
    for (const status of statuses) {
        columns[status] = newColumn(status, orderOf(status));
    }
    return { columns, cards: new Map(), matches };
}

/** Puts a changed card where it belongs. Returns the names of the columns that changed. */
export function placeCard(board, card) {
    const known = board.cards.get(card.id);
    if (!isNewer(card, known)) {
        return [];
    }
    const touched = new Set();
    if (known !== undefined) {
        remove(board.columns[known.status], known);
        board.cards.delete(card.id);
        touched.add(known.status);
    }
    const column = board.columns[card.status];
    if (column !== undefined && board.matches(card, known) && insert(column, card)) {
        board.cards.set(card.id, card);
        touched.add(card.status);
    }
    return [...touched];
}

/** A deleted task. */
export function dropCard(board, id) {
    const known = board.cards.get(id);
    if (known === undefined) {
        return [];
    }
    remove(board.columns[known.status], known);
    board.cards.delete(id);
    return [known.status];
}

/** Adds a page of the server's list. Cards that are here already in a newer version stay as they are. */
export function addPage(board, status, page, nextCursor) {
    const column = board.columns[status];
    for (const card of page) {
        const known = board.cards.get(card.id);
        if (known !== undefined) {
            if (!isNewer(card, known)) {
                continue;
            }
            remove(board.columns[known.status], known);
            board.cards.delete(card.id);
        }
        if (board.matches(card, card)) {
            // Nearly always the end: the page goes on where the column stops.
            column.cards.splice(placeOf(column, card), 0, card);
            board.cards.set(card.id, card);
        }
    }
    column.cursor = nextCursor;
    column.complete = nextCursor === undefined;
}

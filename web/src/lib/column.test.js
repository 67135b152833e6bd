import assert from "node:assert/strict";
import { test } from "node:test";
import { cardOf } from "./card.js";
import { addPage, dropCard, newBoard, placeCard } from "./column.js";

function task(n, more = {}) {
    const at = new Date(1_700_000_000_000 + n * 1000).toISOString();
    return cardOf({
        id: `01A${String(n).padStart(23, "0")}`,
        title: `task ${n}`,
        status: "open",
        tags: [],
        dependencies: [],
        blockedBy: [],
        createdAt: at,
        updatedAt: at,
        priority: 0,
        score: 0,
        version: 1,
        ...more,
    });
}

function boardOf(order = "created", matches = () => true) {
    return newBoard(["open", "done"], () => order, matches);
}

const titles = (board, status = "open") => board.columns[status].cards.map((card) => card.title);

test("a page is kept in the server's order, and new cards come before it", () => {
    const board = boardOf();
    addPage(board, "open", [task(5), task(3)], "next");
    placeCard(board, task(9));
    placeCard(board, task(4));
    assert.deepEqual(titles(board), ["task 9", "task 5", "task 4", "task 3"]);
});

test("what belongs behind the last card is left to the next page", () => {
    const board = boardOf();
    addPage(board, "open", [task(5), task(3)], "next");
    assert.deepEqual(placeCard(board, task(1)), []);
    assert.equal(board.cards.size, 2);
    addPage(board, "open", [task(2), task(1)], undefined);
    assert.deepEqual(titles(board), ["task 5", "task 3", "task 2", "task 1"]);
    placeCard(board, task(0));
    assert.equal(titles(board).at(-1), "task 0");
});

test("a card that changes its status moves to the other column", () => {
    const board = boardOf("updated");
    addPage(board, "open", [task(5), task(3)], undefined);
    addPage(board, "done", [], undefined);
    const touched = placeCard(board, task(5, { status: "done", outcome: "success", version: 2 }));
    assert.deepEqual(touched.sort(), ["done", "open"]);
    assert.deepEqual(titles(board), ["task 3"]);
    assert.deepEqual(titles(board, "done"), ["task 5"]);
});

test("an older version never takes the place of a newer one", () => {
    const board = boardOf();
    addPage(board, "open", [task(5, { version: 4, title: "new" })], undefined);
    placeCard(board, task(5, { version: 3, title: "old", status: "done" }));
    addPage(board, "open", [task(5, { version: 2, title: "older" })], undefined);
    assert.deepEqual(titles(board), ["new"]);
});

test("progress raises no version and is shown all the same", () => {
    const board = boardOf();
    addPage(board, "open", [task(5)], undefined);
    placeCard(board, task(5, { progress: { percent: 50 } }));
    assert.equal(board.columns.open.cards[0].progress.percent, 50);
});

test("a card that fits the filter no more goes, a deleted one goes", () => {
    const board = boardOf("created", (card) => card.tags.includes("a"));
    addPage(board, "open", [task(5, { tags: ["a"] }), task(4, { tags: ["a"] })], undefined);
    placeCard(board, task(5, { tags: ["b"], version: 2 }));
    assert.deepEqual(titles(board), ["task 4"]);
    assert.deepEqual(dropCard(board, task(4).id), ["open"]);
    assert.deepEqual(titles(board), []);
    assert.equal(board.cards.size, 0);
});

test("a hundred thousand cards in pages keep their order, and one change is quick", () => {
    const board = boardOf("rank");
    const size = 100_000;
    for (let at = 0; at < size; at += 1000) {
        const page = Array.from({ length: 1000 }, (_, i) => task(at + i));
        addPage(board, "open", page, at + 1000 < size ? "next" : undefined);
    }
    const before = process.cpuUsage();
    for (let n = 0; n < 100; n++) {
        placeCard(board, task(n * 997, { priority: 50, version: 2 }));
    }
    assert.ok(process.cpuUsage(before).user / 100 < 10_000, "one change takes less than 10 ms");
    assert.equal(board.columns.open.cards.length, size);
    assert.equal(board.columns.open.cards[0].priority, 50);
});

test("where the server's aging is another one a card is still found", () => {
    const board = boardOf("rank");
    board.columns.open.cards.push(task(9), task(1), task(5));
    for (const card of board.columns.open.cards) {
        board.cards.set(card.id, card);
    }
    placeCard(board, task(1, { status: "done", version: 2 }));
    assert.deepEqual(titles(board), ["task 9", "task 5"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventText, eventTone } from "./event_text.js";

test("an event says what matters of it", () => {
    assert.equal(eventText({ type: "task.failed", data: { error: "no disk" } }), "failed: no disk");
    assert.equal(eventText({ type: "task.expired", data: { reason: "vm_lost" } }), "its VM was lost");
    assert.equal(
        eventText({ type: "task.completed", data: { acceptedAttempt: 2 } }),
        "the result of attempt 2 accepted",
    );
    assert.equal(eventText({ type: "task.progress", data: { task: {} } }), "progress");
    assert.equal(eventText({ type: "board.paused", data: { tag: "x", reason: "y" } }), "paused x: y");
});

test("a type that is not known is shown by its name", () => {
    assert.equal(eventText({ type: "task.imported", data: {} }), "task.imported");
});

test("a long text is cut", () => {
    assert.equal(eventText({ type: "task.failed", data: { error: "x".repeat(1000) } }).length, 300);
});

test("good and bad news are told apart", () => {
    assert.equal(eventTone({ type: "task.completed" }), "good");
    assert.equal(eventTone({ type: "task.dead" }), "bad");
    assert.equal(eventTone({ type: "task.claimed" }), "plain");
});

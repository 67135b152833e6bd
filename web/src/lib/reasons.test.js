import assert from "node:assert/strict";
import { test } from "node:test";
import { explain, explainClaimable } from "./reasons.js";

const codes = [
    "done",
    "in_review",
    "blocked",
    "dead_letter",
    "claimed",
    "held",
    "dependencies",
    "not_before",
    "paused",
    "tag_paused",
    "assigned_elsewhere",
    "unknown_vm",
    "vm_not_running",
];

test("each code of the contract has a sentence of its own", () => {
    const reason = {
        blockedBy: ["a", "b"],
        expiresAt: "2026-11-22T13:30:00.123Z",
        notBefore: "2026-11-22T13:30:00.123Z",
    };
    const texts = codes.map((code) => explain({ ...reason, code }).text);
    assert.equal(new Set(texts).size, codes.length);
    assert.ok(texts.every((text) => !text.startsWith("The server says")));
});

test("a code that is not known is shown as it is", () => {
    assert.match(explain({ code: "moon_phase" }).text, /moon_phase/);
});

test("the tasks that it waits for are named", () => {
    assert.deepEqual(explain({ code: "dependencies", blockedBy: ["a"] }).ids, ["a"]);
});

test("the place in the order is told, also when it is not known", () => {
    assert.match(explainClaimable(1, "w1"), /the next that w1 gets/);
    assert.match(explainClaimable(7, ""), /number 7 .* any agent/);
    assert.match(explainClaimable(undefined, "w1"), /many tasks/);
});

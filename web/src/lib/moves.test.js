import assert from "node:assert/strict";
import { test } from "node:test";
import { STATUSES } from "./filter.js";
import { canCancel, canRetry, needsDialog, planMove } from "./moves.js";

const card = (status, more = {}) => ({ status, blockedBy: [], ...more });
const dead = card("blocked", { blockedReason: { kind: "dead_letter" } });
const claimed = card("in_progress", { claim: { by: "w1" } });

test("a move to where the card stands is none", () => {
    for (const status of STATUSES) {
        assert.equal(planMove(card(status), status).legal, false);
    }
});

test("each move that is not there says why", () => {
    for (const from of STATUSES) {
        for (const to of STATUSES) {
            const plan = planMove(card(from, { outcome: "success" }), to);
            assert.ok(plan.legal ? plan.verb : plan.why.length > 10, `${from} to ${to}`);
        }
    }
});

test("a task that waits for others cannot be begun by hand", () => {
    const plan = planMove(card("open", { blockedBy: ["a", "b"] }), "in_progress");
    assert.equal(plan.legal, false);
    assert.match(plan.why, /2 other tasks/);
});

test("out of review one approves or rejects, the latter with a reason", () => {
    assert.equal(planMove(card("in_review"), "done").verb, "approve");
    const reject = planMove(card("in_review"), "open");
    assert.equal(reject.verb, "reject");
    assert.equal(reject.required, true);
});

test("a dead letter is retried, a block by hand is lifted", () => {
    assert.equal(planMove(dead, "open").verb, "retry");
    assert.equal(planMove(card("blocked", { blockedReason: { kind: "manual" } }), "open").verb, "reopen");
    assert.equal(planMove(dead, "in_progress").legal, false);
});

test("what failed is retried, what succeeded is reopened", () => {
    assert.equal(planMove(card("done", { outcome: "failed" }), "open").verb, "retry");
    assert.equal(planMove(card("done", { outcome: "success" }), "open").verb, "reopen");
});

test("a move that ends a claim names the holder and asks first", () => {
    for (const to of ["open", "in_review", "blocked", "done"]) {
        const plan = planMove(claimed, to);
        assert.equal(plan.takesFrom, "w1");
        assert.ok(needsDialog(plan));
    }
});

test("cancel and retry are offered where they are possible", () => {
    assert.equal(canCancel(claimed), true);
    assert.equal(canCancel(card("in_progress", { claim: { by: "w", cancelRequested: {} } })), false);
    assert.equal(canCancel(card("done", { outcome: "failed" })), false);
    assert.equal(canRetry(dead), true);
    assert.equal(canRetry(card("blocked", { blockedReason: { kind: "manual" } })), false);
    assert.equal(canRetry(card("done", { outcome: "success" })), false);
});

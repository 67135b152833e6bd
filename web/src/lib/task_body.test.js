import assert from "node:assert/strict";
import { test } from "node:test";
import { bodyOf, changesOf, listOf } from "./task_body.js";

function form(values) {
    const all = {
        title: "t",
        description: "",
        tags: "",
        assignee: "",
        priority: "0",
        maxAttempts: "",
        dependencies: "",
        payload: "",
        ...values,
    };
    return { get: (name) => all[name] };
}

test("lists are split at commas and lines, without blanks and doubles", () => {
    assert.deepEqual(listOf(" a, b ,,a\nc d\n"), ["a", "b", "c d"]);
});

test("empty fields are left out of a create", () => {
    assert.deepEqual(bodyOf(form({})), { title: "t", tags: [], priority: 0, dependencies: [] });
});

test("a payload that is no JSON is refused", () => {
    assert.throws(() => bodyOf(form({ payload: "{a" })), /no JSON/);
    assert.equal(bodyOf(form({ payload: "null" })).payload, null);
});

test("only what differs is changed, and what is gone is cleared", () => {
    const task = {
        title: "t",
        description: "old",
        tags: ["a"],
        dependencies: [],
        priority: 0,
        maxAttempts: 3,
    };
    const changes = changesOf(task, bodyOf(form({ tags: "a, b", maxAttempts: "3" })));
    assert.deepEqual(changes, { tags: ["a", "b"], description: null });
    const unchanged = bodyOf(form({ tags: "a", maxAttempts: "3", description: "old" }));
    assert.deepEqual(changesOf(task, unchanged), {});
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { addLosses, effectOfLosing } from "./losses.js";

const at = "2026-11-22T13:30:00.123Z";
const vm = (type, vmId) => ({ type, vmId, at, data: {} });
const lost = (type, id) => ({ type, taskId: id, at, data: { reason: "vm_lost", task: { id, title: id } } });

test("the tasks behind a VM's event are what it lost", () => {
    const events = [
        vm("vm.stale", "a"),
        lost("task.dead", "t1"),
        lost("task.expired", "t2"),
        vm("vm.stale", "b"),
    ];
    const losses = addLosses([], events);
    assert.deepEqual(
        losses.map(({ vmId, tasks }) => [vmId, tasks.map(({ id, dead }) => [id, dead])]),
        [
            [
                "a",
                [
                    ["t1", true],
                    ["t2", false],
                ],
            ],
            ["b", []],
        ],
    );
});

test("a change of a VM is no loss unless tasks were lost", () => {
    assert.deepEqual(addLosses([], [vm("vm.updated", "a")]), []);
    assert.equal(addLosses([], [vm("vm.updated", "a"), lost("task.expired", "t")]).length, 1);
});

test("the rest of a long loss comes with later events", () => {
    const first = addLosses([], [vm("vm.stale", "a"), lost("task.expired", "t1")]);
    const second = addLosses(first, [lost("task.expired", "t2")]);
    assert.equal(first[0].tasks.length, 1);
    assert.equal(second[0].tasks.length, 2);
});

test("a lease that ran out by itself is no loss of a VM", () => {
    const expired = { type: "task.expired", taskId: "t", at, data: { task: { id: "t", title: "t" } } };
    assert.deepEqual(addLosses([], [vm("vm.stale", "a"), expired])[0].tasks, []);
});

test("tasks on their last attempt would be dead letters", () => {
    const card = (attempts, maxAttempts, claim = {}) => ({ attempts, maxAttempts, claim });
    const cards = [card(1, 3), card(3, 3), card(9, 0), card(1, 1, { cancelRequested: {} })];
    assert.deepEqual(effectOfLosing(cards), { open: 2, dead: 1, cancelled: 1 });
});

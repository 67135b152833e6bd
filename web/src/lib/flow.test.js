import assert from "node:assert/strict";
import { test } from "node:test";
import { MINUTE_MS, flowOf, liteOf } from "./flow.js";

const start = Date.parse("2026-11-22T13:00:00.000Z");
let seq = 0;

function event(minute, type, id, task) {
    return liteOf({
        seq: ++seq,
        at: new Date(start + minute * MINUTE_MS).toISOString(),
        topic: "board",
        type: `task.${type}`,
        taskId: id,
        data: { task: { createdAt: new Date(start).toISOString(), attempts: 0, ...task } },
    });
}

const ready = { status: "open", ready: true };
const waiting = { status: "open", ready: false };
const taken = { status: "in_progress", ready: false, attempts: 1 };
const success = { status: "done", outcome: "success", ready: false };

const at = (minute) => start + minute * MINUTE_MS;

test("each minute counts what happened in it", () => {
    const lites = [
        event(0, "created", "a", ready),
        event(0.5, "created", "b", waiting),
        event(1, "claimed", "a", taken),
        event(2.2, "completed", "a", success),
        event(2.2, "ready", "b", ready),
        event(2.5, "claimed", "b", taken),
        event(3, "failed", "b", ready),
    ];
    const flow = flowOf(lites, at(0), { at: at(3.5), ready: 1, waiting: 0 });
    assert.deepEqual(flow.created, [2, 0, 0, 0]);
    assert.deepEqual(flow.claimed, [0, 1, 1, 0]);
    assert.deepEqual(flow.completed, [0, 0, 1, 0]);
    assert.deepEqual(flow.failed, [0, 0, 0, 1]);
});

test("depths are those of now, less what changed since", () => {
    const lites = [
        event(0, "created", "a", ready),
        event(0, "created", "b", waiting),
        event(1, "claimed", "a", taken),
        event(2, "completed", "a", success),
        event(2, "ready", "b", ready),
    ];
    const flow = flowOf(lites, at(0), { at: at(2.5), ready: 11, waiting: 5 });
    assert.deepEqual(flow.ready, [11, 10, 11]);
    assert.deepEqual(flow.waiting, [6, 6, 5]);
});

test("what a task was before the window follows from its first event in it", () => {
    const flow = flowOf([event(5, "claimed", "a", taken)], at(4), { at: at(5.5), ready: 2, waiting: 0 });
    assert.deepEqual(flow.ready, [3, 2]);
});

test("a note changes nothing, and counts as nothing", () => {
    const flow = flowOf([event(1, "noted", "a", ready)], at(0), { at: at(1.5), ready: 4, waiting: 2 });
    assert.deepEqual(
        [flow.ready, flow.waiting, flow.created],
        [
            [4, 4],
            [2, 2],
            [0, 0],
        ],
    );
});

test("an approved review is completed, an accepted result of a dead letter, too", () => {
    const lites = [event(0, "approved", "a", success), event(0, "completed", "b", success)];
    assert.deepEqual(flowOf(lites, at(0), { at: at(0.5), ready: 0, waiting: 0 }).completed, [2]);
});

test("the oldest ready task is aged by the minute, until it is claimed", () => {
    const lites = [event(0, "created", "a", ready), event(2, "claimed", "a", taken)];
    const flow = flowOf(lites, at(0), { at: at(2.5), ready: 0, waiting: 0 });
    assert.deepEqual(flow.oldest, [60, 0, 0]);
    const now = flowOf([], at(0), { at: at(2), ready: 1, waiting: 0, oldestReadyAt: at(-1) });
    assert.deepEqual(now.oldest, [120, 180, 180]);
});

test("a task that came later and is claimed first does not hide an older one", () => {
    const lites = [
        event(0, "created", "old", ready),
        event(1, "created", "young", ready),
        event(2.5, "claimed", "young", taken),
        event(4.5, "claimed", "old", taken),
    ];
    const flow = flowOf(lites, at(0), { at: at(6), ready: 0, waiting: 0 });
    assert.deepEqual(flow.oldest, [60, 120, 180, 240, 0, 0, 0]);
});

test("the time in a status is from coming to leaving", () => {
    const lites = [
        event(0, "created", "a", ready),
        event(3, "claimed", "a", taken),
        event(4, "completed", "a", success),
    ];
    const { stays } = flowOf(lites, at(0), { at: at(5), ready: 0, waiting: 0 });
    assert.deepEqual(
        stays.map(({ status, median }) => [status, median / MINUTE_MS]),
        [
            ["ready", 3],
            ["in_progress", 1],
        ],
    );
});

test("a deleted task is gone", () => {
    const gone = liteOf({
        seq: 1,
        at: new Date(at(1)).toISOString(),
        topic: "board",
        type: "task.deleted",
        taskId: "a",
        data: { tags: [] },
    });
    const flow = flowOf([event(0, "created", "a", ready), gone], at(0), {
        at: at(1.5),
        ready: 0,
        waiting: 0,
    });
    assert.deepEqual(flow.ready, [1, 0]);
});

test("events of VMs and of the feed do not matter", () => {
    assert.equal(liteOf({ topic: "registry", type: "vm.stale", vmId: "a", at: "", data: {} }), undefined);
    assert.equal(liteOf({ topic: "board", type: "board.paused", at: "", data: {} }), undefined);
});

test("of minutes that were not read from their beginning nothing is said", () => {
    const lites = [event(1.5, "created", "a", ready), event(2.5, "created", "b", ready)];
    const flow = flowOf(lites, at(0), { at: at(3.5), ready: 9, waiting: 0 }, at(1.2));
    assert.deepEqual(flow.created, [null, null, 1, 0]);
    assert.deepEqual(flow.ready, [null, null, 9, 9]);
    assert.deepEqual(flow.oldest.slice(0, 2), [null, null]);
    assert.deepEqual(flowOf([], at(0), { at: at(1.5), ready: 2, waiting: 0 }, Infinity).ready, [null, null]);
});

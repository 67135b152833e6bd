import assert from "node:assert/strict";
import { test } from "node:test";
import { sseParser } from "./sse.js";

test("a message may be cut anywhere", () => {
    const whole = 'id: 7\ndata: {"a":1}\n\nid: 8\ndata: x\n\n';
    for (let cut = 0; cut <= whole.length; cut++) {
        const push = sseParser();
        const got = [...push(whole.slice(0, cut)), ...push(whole.slice(cut))];
        assert.deepEqual(got, [
            { event: "message", id: "7", data: '{"a":1}' },
            { event: "message", id: "8", data: "x" },
        ]);
    }
});

test("a comment with an id moves the place and has no data", () => {
    assert.deepEqual(sseParser()(": heartbeat\nid: 12\n\n"), [
        { event: "message", id: "12", data: undefined },
    ]);
});

test("names, several lines of data and CRLF are understood", () => {
    assert.deepEqual(sseParser()("event: reset\r\ndata: a\r\ndata: b\r\n\r\n"), [
        { event: "reset", id: undefined, data: "a\nb" },
    ]);
});

test("retry alone is no message", () => {
    assert.deepEqual(sseParser()("retry: 2000\n\n: quiet\n\n"), []);
});

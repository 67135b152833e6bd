import assert from "node:assert/strict";
import { test } from "node:test";
import { NODE_HEIGHT, NODE_WIDTH, layoutGraph } from "./graph_layout.js";

const edge = (text) => {
    const [from, to] = text.split(">");
    return { from, to };
};

test("each task stands right of all that it depends on", () => {
    const edges = ["a>b", "b>d", "a>c", "c>d", "a>d", "d>e"].map(edge);
    const { nodes } = layoutGraph(["e", "d", "c", "b", "a"], edges);
    for (const { from, to } of edges) {
        assert.ok(nodes.get(from).x + NODE_WIDTH < nodes.get(to).x, `${from} before ${to}`);
    }
});

test("no two tasks overlap, and all are inside", () => {
    const ids = Array.from({ length: 30 }, (_, i) => `n${i}`);
    const edges = ids.slice(1).map((to, i) => ({ from: ids[Math.floor(i / 3)], to }));
    const { nodes, width, height } = layoutGraph(ids, edges);
    const all = [...nodes.values()];
    for (const [i, a] of all.entries()) {
        assert.ok(a.x >= 0 && a.y >= 0 && a.x + NODE_WIDTH <= width && a.y + NODE_HEIGHT <= height + 0.01);
        for (const b of all.slice(i + 1)) {
            assert.ok(a.x !== b.x || Math.abs(a.y - b.y) >= NODE_HEIGHT);
        }
    }
});

test("two lines that need not cross do not", () => {
    const { nodes } = layoutGraph(["a", "b", "y", "x"], ["a>x", "b>y"].map(edge));
    assert.equal(nodes.get("a").y < nodes.get("b").y, nodes.get("x").y < nodes.get("y").y);
});

test("a task that nothing precedes stands right before its first successor", () => {
    const { nodes } = layoutGraph(["a", "b", "c", "late"], ["a>b", "b>c", "late>c"].map(edge));
    assert.equal(nodes.get("late").x, nodes.get("b").x);
});

test("a single task and a circle are drawn, too", () => {
    assert.equal(layoutGraph(["a"], []).nodes.size, 1);
    assert.equal(layoutGraph(["a", "b"], ["a>b", "b>a"].map(edge)).nodes.size, 2);
});

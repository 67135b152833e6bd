// Where the tasks of a dependency graph stand: in layers from left to right, each behind all that it
// depends on, ordered within a layer so that few lines cross.

export const NODE_WIDTH = 190;
export const NODE_HEIGHT = 46;
const GAP_X = 56;
const GAP_Y = 14;
const SWEEPS = 6;

function neighbours(ids, edges, from, to) {
    const found = new Map(ids.map((id) => [id, []]));
    for (const edge of edges) {
        found.get(edge[from]).push(edge[to]);
    }
    return found;
}

/** id → layer: the longest way to it. The board refuses circles; should there be one, it ends here. */
function layersOf(ids, before, after) {
    const layer = new Map(ids.map((id) => [id, 0]));
    const missing = new Map(ids.map((id) => [id, before.get(id).length]));
    const ready = ids.filter((id) => missing.get(id) === 0);
    for (let i = 0; i < ready.length; i++) {
        for (const next of after.get(ready[i])) {
            layer.set(next, Math.max(layer.get(next), layer.get(ready[i]) + 1));
            missing.set(next, missing.get(next) - 1);
            if (missing.get(next) === 0) {
                ready.push(next);
            }
        }
    }
    return layer;
}

/** A task without anything before it stands right before the first that waits for it. */
function pullRight(ids, layer, before, after) {
    for (const id of ids) {
        const next = after.get(id);
        if (before.get(id).length === 0 && next.length > 0) {
            layer.set(id, Math.min(...next.map((other) => layer.get(other))) - 1);
        }
    }
}

function rowsOf(ids, layer) {
    const least = Math.min(...layer.values());
    const rows = [];
    for (const id of ids) {
        (rows[layer.get(id) - least] ??= []).push(id);
    }
    return Array.from(rows, (row) => row ?? []);
}

function middle(ids, place) {
    return ids.reduce((sum, id) => sum + place.get(id), 0) / ids.length;
}

/** Orders a layer by the mean place of the neighbours on one side; who has none stays about where it is. */
function sortRow(row, sides, place) {
    const wish = new Map(
        row.map((id) => [id, sides.get(id).length > 0 ? middle(sides.get(id), place) : place.get(id)]),
    );
    row.sort((a, b) => wish.get(a) - wish.get(b));
}

function setPlaces(rows, place) {
    for (const row of rows) {
        row.forEach((id, i) => place.set(id, i - (row.length - 1) / 2));
    }
}

/** `ids` and `edges: [{from, to}]` between them (`to` depends on `from`) → `{width, height, nodes:
 *  id → {x, y}, lines: [{from, to, path}]}`, the path as SVG has it. */
export function layoutGraph(ids, edges) {
    const before = neighbours(ids, edges, "to", "from");
    const after = neighbours(ids, edges, "from", "to");
    const layer = layersOf(ids, before, after);
    pullRight(ids, layer, before, after);
    const rows = rowsOf(ids, layer);
    const place = new Map();
    setPlaces(rows, place);
    for (let i = 0; i < SWEEPS; i++) {
        const sides = i % 2 === 0 ? before : after;
        const order = i % 2 === 0 ? rows : [...rows].reverse();
        for (const row of order) {
            sortRow(row, sides, place);
            setPlaces([row], place);
        }
    }
    return draw(rows, place, edges);
}

function draw(rows, place, edges) {
    const highest = Math.max(...rows.map((row) => row.length));
    const height = highest * (NODE_HEIGHT + GAP_Y) - GAP_Y;
    const nodes = new Map();
    rows.forEach((row, column) => {
        for (const id of row) {
            const y = height / 2 + place.get(id) * (NODE_HEIGHT + GAP_Y) - NODE_HEIGHT / 2;
            nodes.set(id, { x: column * (NODE_WIDTH + GAP_X), y });
        }
    });
    const lines = edges.map(({ from, to }) => ({ from, to, path: lineOf(nodes.get(from), nodes.get(to)) }));
    return { width: rows.length * (NODE_WIDTH + GAP_X) - GAP_X, height, nodes, lines };
}

function lineOf(from, to) {
    const [x1, y1] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2];
    const [x2, y2] = [to.x, to.y + NODE_HEIGHT / 2];
    const bend = Math.max(24, (x2 - x1) / 2);
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

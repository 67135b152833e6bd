// The tasks around one: what it waits for and what waits for it, some steps far.
import { fetchDependents, fetchTask } from "./data.js";

const NODES_MAX = 40;
const STEPS_MAX = 4;

/** A dependency that is not there (yet): the board takes such ids, and waits. */
function absent(id) {
    return { id, title: "no such task", status: "absent", dependencies: [] };
}

async function taskOrAbsent(id, signal) {
    try {
        return await fetchTask(id, signal);
    } catch (error) {
        if (error.status === 404) {
            return absent(id);
        }
        throw error;
    }
}

/** Goes step by step into one direction. `next(task)` gives the tasks beside it. */
async function walk(start, graph, next) {
    let front = [start];
    for (let step = 0; step < STEPS_MAX && front.length > 0; step++) {
        const found = await Promise.all(front.map(next));
        front = [];
        for (const task of found.flat()) {
            if (graph.tasks.has(task.id)) {
                continue;
            }
            if (graph.tasks.size >= NODES_MAX) {
                graph.cut = true;
                return;
            }
            graph.tasks.set(task.id, task);
            front.push(task);
        }
    }
    graph.cut ||= front.some((task) => task.dependencies.length > 0);
}

/** `{tasks: id → task, edges, cut}`; `cut`: there are more than are shown. */
export async function fetchGraph(task, signal) {
    const graph = { tasks: new Map([[task.id, task]]), cut: false };
    const unknown = (ids) => [...new Set(ids)].filter((id) => !graph.tasks.has(id)).slice(0, NODES_MAX);
    await walk(task, graph, ({ dependencies }) =>
        Promise.all(unknown(dependencies).map((id) => taskOrAbsent(id, signal))),
    );
    await walk(task, graph, ({ id, status }) => (status === "absent" ? [] : fetchDependents(id, signal)));
    return { ...graph, edges: edgesOf(graph.tasks) };
}

export function edgesOf(tasks) {
    const edges = [];
    for (const task of tasks.values()) {
        for (const from of new Set(task.dependencies)) {
            if (tasks.has(from)) {
                edges.push({ from, to: task.id });
            }
        }
    }
    return edges;
}

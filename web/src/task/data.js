// What the page of a task shows, from four requests.
import { get } from "../api/http.js";

const HISTORY_MAX = 1000;

const base = (id) => `/board/tasks/${encodeURIComponent(id)}`;

export async function fetchTask(id, signal) {
    return (await get(base(id), {}, signal)).data;
}

export async function fetchAttempts(id, signal) {
    return (await get(`${base(id)}/attempts`, {}, signal)).data.attempts;
}

/** The latest first. A history that is longer is read from where it was cut. */
export async function fetchHistory(id, signal) {
    const { data } = await get(`${base(id)}/history`, { limit: HISTORY_MAX }, signal);
    return data.events.reverse();
}

export async function fetchDependents(id, signal) {
    return (await get(`${base(id)}/dependents`, {}, signal)).data.tasks;
}

const PARTS_MAX = 100;

/** The tasks that name it as their parent, the newest first. */
export async function fetchParts(id, signal) {
    const query = { parentId: id, view: "summary", limit: PARTS_MAX };
    return (await get("/board/tasks", query, signal)).data.tasks;
}

export async function fetchWhy(id, { agent, vmId }, signal) {
    return (await get(`${base(id)}/why`, { agent, vmId }, signal)).data;
}

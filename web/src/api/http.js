// One request to the board. The session's cookie goes along by itself; that a write has a JSON body
// and comes from the server's own page is what keeps other pages from writing.
import { signal } from "@preact/signals";
import { observeServerDate } from "../lib/clock.js";
import { queryOf } from "../lib/query.js";

/** False: the server wants a log-in before anything else. */
export const loggedIn = signal(true);

export class ApiError extends Error {
    constructor(status, body, retryAfter) {
        super(body.error ?? `The server answered ${status}.`);
        this.status = status;
        this.code = body.code ?? "unknown";
        this.body = body;
        this.retryAfter = retryAfter;
    }
}

/** So that a write whose answer was lost has one effect, however often it is sent. */
function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function bodyOf(response) {
    const text = await response.text();
    try {
        return text === "" ? {} : JSON.parse(text);
    } catch {
        return { error: `The server answered ${response.status}, and not with JSON.` };
    }
}

async function send(method, path, options) {
    const headers = { Accept: "application/json", ...options.headers };
    if (options.body !== undefined) {
        headers["Content-Type"] = "application/json";
    }
    try {
        return await fetch(path + queryOf(options.query), {
            method,
            headers,
            body: options.body === undefined ? undefined : JSON.stringify(options.body),
            signal: options.signal,
            credentials: "same-origin",
            cache: "no-store",
        });
    } catch (error) {
        if (error.name === "AbortError") {
            throw error;
        }
        throw new ApiError(0, { error: "The server cannot be reached.", code: "unreachable" });
    }
}

async function request(method, path, options = {}) {
    const response = await send(method, path, options);
    observeServerDate(response.headers.get("Date"));
    const data = await bodyOf(response);
    if (response.status === 401) {
        loggedIn.value = false;
    }
    if (!response.ok) {
        throw new ApiError(response.status, data, Number(response.headers.get("Retry-After")) || undefined);
    }
    return { data, seq: Number(response.headers.get("Events-Seq")) || undefined };
}

export function get(path, query, signal) {
    return request("GET", path, { query, signal });
}

/** A POST that got no answer is sent once more: its key makes that harmless. */
export async function post(path, body = {}, { query } = {}) {
    const options = { body, query, headers: { "Idempotency-Key": newKey() } };
    try {
        return await request("POST", path, options);
    } catch (error) {
        if (error.code !== "unreachable") {
            throw error;
        }
        return request("POST", path, options);
    }
}

export function patch(path, body, { query, version } = {}) {
    const headers = version === undefined ? {} : { "If-Match": `"${version}"` };
    return request("PATCH", path, { body, query, headers });
}

export function del(path, { query } = {}) {
    return request("DELETE", path, { query });
}

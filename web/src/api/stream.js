// The board's event stream, read with fetch: unlike EventSource this sees the server's heartbeats,
// so that a connection which died without a word is noticed.
import { loggedIn } from "./http.js";
import { sseParser } from "../lib/sse.js";

const SILENCE_MS = 40_000; // the server says something every 15 seconds
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 15_000;

/** Follows the log behind `since` until `close()`. The handlers:
 *  `onEvents(events)` in the order of their `seq`, none missing and none twice;
 *  `onReset({oldest, head})` when some are gone, or `since` is beyond the head: list again;
 *  `onState({name: "connecting" | "live" | "waiting", retryAt?})`. */
export function openStream(since, { onEvents, onReset, onState }) {
    let last = since;
    let failures = 0;
    let closed = false;
    let abort = null;
    let wake = null;

    function handle(messages) {
        const events = [];
        for (const { event, id, data } of messages) {
            if (event === "reset") {
                const reset = JSON.parse(data);
                last = reset.head;
                onReset(reset);
                return false;
            }
            if (data !== undefined) {
                events.push(JSON.parse(data));
            }
            last = id === undefined ? last : Number(id);
        }
        if (events.length > 0) {
            onEvents(events);
        }
        return true;
    }

    async function read(response) {
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        const push = sseParser();
        let silence = setTimeout(() => abort.abort(), SILENCE_MS);
        try {
            for (;;) {
                const { value, done } = await reader.read();
                if (done || !handle(push(value))) {
                    return;
                }
                clearTimeout(silence);
                silence = setTimeout(() => abort.abort(), SILENCE_MS);
            }
        } finally {
            clearTimeout(silence);
            abort.abort();
        }
    }

    async function connect() {
        abort = new AbortController();
        const response = await fetch(`/events/stream?since=${last}`, {
            headers: { Accept: "text/event-stream" },
            credentials: "same-origin",
            cache: "no-store",
            signal: abort.signal,
        });
        if (response.status === 401) {
            loggedIn.value = false;
            closed = true;
            return;
        }
        if (!response.ok) {
            throw new Error(`the stream answered ${response.status}`);
        }
        failures = 0;
        onState({ name: "live" });
        await read(response);
    }

    function pause() {
        const ms = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** failures) * (0.8 + Math.random() * 0.4);
        failures++;
        onState({ name: "waiting", retryAt: Date.now() + ms });
        return new Promise((resolve) => {
            const timer = setTimeout(resolve, ms);
            wake = () => {
                clearTimeout(timer);
                resolve();
            };
        });
    }

    async function run() {
        while (!closed) {
            onState({ name: "connecting" });
            try {
                await connect();
            } catch {
                // Whatever broke it, the answer is to come back and go on behind `last`.
            }
            if (!closed) {
                await pause();
            }
        }
    }

    function retryNow() {
        failures = 0;
        wake?.();
    }

    function dropNow() {
        abort?.abort();
    }

    addEventListener("online", retryNow);
    addEventListener("offline", dropNow);
    run();
    return {
        seq: () => last,
        retryNow,
        close() {
            closed = true;
            removeEventListener("online", retryNow);
            removeEventListener("offline", dropNow);
            abort?.abort();
            wake?.();
        },
    };
}

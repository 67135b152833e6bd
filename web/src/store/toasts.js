// Short messages about what was done, or why not.
import { signal } from "@preact/signals";

const SHOWN_MS = 6000;
const SHOWN_MS_ERROR = 12_000;
const AT_ONCE_MAX = 4;

/** `{id, kind: "done" | "error", text}`, the oldest first. */
export const toasts = signal([]);

let lastId = 0;

export function dismiss(id) {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

function show(kind, text, ms) {
    const id = ++lastId;
    toasts.value = [...toasts.value, { id, kind, text }].slice(-AT_ONCE_MAX);
    setTimeout(() => dismiss(id), ms);
}

export function say(text) {
    show("done", text, SHOWN_MS);
}

export function complain(text) {
    show("error", text, SHOWN_MS_ERROR);
}

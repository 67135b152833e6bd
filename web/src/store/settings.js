// What this browser remembers for its person.
import { effect, signal } from "@preact/signals";

const KEY = "taskboard";
const fresh = { theme: "auto", name: "", keys: true };

function load() {
    try {
        return { ...fresh, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
    } catch {
        return fresh;
    }
}

/** `theme` is auto, light or dark; `name` signs what this person does; `keys`: single-key shortcuts. */
export const settings = signal(load());

export function change(values) {
    settings.value = { ...settings.value, ...values };
    try {
        localStorage.setItem(KEY, JSON.stringify(settings.value));
    } catch {
        // A browser that keeps nothing still has the setting until the page is left.
    }
}

export function startSettings() {
    effect(() => {
        document.documentElement.dataset.theme = settings.value.theme;
    });
}

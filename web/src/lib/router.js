// Pages by path. `page` follows the address, and links that stay in the dashboard do not load it anew.
import { computed, signal } from "@preact/signals";
import { queryOf } from "./query.js";

const BASE = "/ui";

export const address = signal({ path: location.pathname, query: location.search });

/** The URL of a page: `href("/board", {tag: "a"})`. */
export function href(path, query) {
    return BASE + path + queryOf(query);
}

export function taskHref(id) {
    return href(`/tasks/${encodeURIComponent(id)}`);
}

function follow() {
    address.value = { path: location.pathname, query: location.search };
}

/** The entry of the history remembers whether the board stands before it, to go back to as it was left. */
export function navigate(to, { replace = false } = {}) {
    const fromBoard = replace ? history.state?.fromBoard : page.peek().name === "board";
    history[replace ? "replaceState" : "pushState"]({ fromBoard }, "", to);
    follow();
}

/** `{name, id?}` */
export const page = computed(() => {
    const parts = address.value.path.slice(BASE.length).split("/").filter(Boolean);
    const [name = "board", id] = parts;
    if (name === "tasks" && parts.length === 2) {
        return { name: "task", id: decodeURIComponent(id) };
    }
    return { name: parts.length <= 1 ? name : "nowhere" };
});

export const query = computed(() => new URLSearchParams(address.value.query));

function isPlainClick(event) {
    return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

export function startRouter() {
    addEventListener("popstate", follow);
    document.addEventListener("click", (event) => {
        const link = event.target.closest?.("a[href]");
        if (link === null || event.defaultPrevented || !isPlainClick(event) || link.hasAttribute("target")) {
            return;
        }
        const to = new URL(link.getAttribute("href"), location.href); // links of a picture have no text as href
        if (to.origin !== location.origin || !to.pathname.startsWith(`${BASE}/`) || to.hash) {
            return;
        }
        event.preventDefault();
        navigate(to.pathname + to.search);
        scrollTo(0, 0);
    });
}

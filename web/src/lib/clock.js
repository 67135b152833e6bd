// The server's clock: leases are judged by it alone, so ages and countdowns are shown by it, too.
import { signal } from "@preact/signals";

const TICK_MS = 1000;

// How far the server's clock is ahead of the browser's. A Date header is exact to a second only, so
// that it is taken once and corrected when it is off by more than that.
let ahead = 0;
let known = false;

export const now = signal(Date.now());

export function serverNow() {
    return Date.now() + ahead;
}

export function observeServerDate(header) {
    const at = Date.parse(header ?? "");
    if (Number.isNaN(at)) {
        return;
    }
    const difference = at + 500 - Date.now();
    if (!known || Math.abs(difference - ahead) > 2000) {
        known = true;
        ahead = Math.abs(difference) < 1500 ? 0 : difference;
        now.value = serverNow();
    }
}

export function startClock() {
    setInterval(() => {
        if (!document.hidden) {
            now.value = serverNow();
        }
    }, TICK_MS);
}

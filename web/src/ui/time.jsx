// Times that keep up with the clock by themselves.
import { now } from "../lib/clock.js";
import { countdown, duration, localTime } from "../lib/time.js";

/** How long ago: `4m`. */
export function Age({ ms, suffix = "" }) {
    return (
        <time dateTime={new Date(ms).toISOString()} title={localTime(ms)}>
            {duration(now.value - ms)}
            {suffix}
        </time>
    );
}

/** What is left of a lease. One that lives with a VM is renewed by the VM's heartbeats, without telling:
 *  there is nothing to count down, and for how long it has been held is shown. */
export function Lease({ claim }) {
    if (claim.vmId !== undefined) {
        const held = duration(now.value - Date.parse(claim.claimedAt));
        return <span title={`Held for ${held}; the claim lives with ${claim.vmId}`}>for {held}</span>;
    }
    const left = Date.parse(claim.expiresAt) - now.value;
    const state = left <= 0 ? "over" : left < 30_000 ? "soon" : "fine";
    const text = left <= 0 ? "lease over" : countdown(left);
    return (
        <span class={`lease lease-${state}`} title="What is left of the lease">
            {text}
        </span>
    );
}

/** `in 5m`, for what is not due yet. */
export function Until({ ms }) {
    const left = ms - now.value;
    return (
        <time dateTime={new Date(ms).toISOString()} title={localTime(ms)}>
            {left > 0 ? `in ${duration(left)}` : "now"}
        </time>
    );
}

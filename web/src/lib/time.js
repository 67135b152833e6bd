// Instants and durations for people. Everything here takes and gives milliseconds.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// Made once: to make a formatter takes much longer than to use it.
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const ofDay = new Intl.DateTimeFormat(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
});
const grouped = new Intl.NumberFormat("en");

/** `45s`, `12m`, `3h 5m`, `6d`: two units at most, and only where the smaller one still matters. */
export function duration(ms) {
    const left = Math.max(0, ms);
    if (left < MINUTE) {
        return `${Math.floor(left / SECOND)}s`;
    }
    if (left < HOUR) {
        return `${Math.floor(left / MINUTE)}m`;
    }
    if (left < 10 * HOUR) {
        const minutes = Math.floor((left % HOUR) / MINUTE);
        return minutes === 0 ? `${Math.floor(left / HOUR)}h` : `${Math.floor(left / HOUR)}h ${minutes}m`;
    }
    return left < 2 * DAY ? `${Math.floor(left / HOUR)}h` : `${Math.floor(left / DAY)}d`;
}

/** `4:07`, `1:02:30`: what is left of a lease. */
export function countdown(ms) {
    const seconds = Math.max(0, Math.ceil(ms / SECOND));
    const two = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(seconds / 60) % 60;
    const hours = Math.floor(seconds / 3600);
    return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

export function millis(instant) {
    return instant === undefined ? undefined : Date.parse(instant);
}

/** The instant in the reader's own zone, exact to the second. */
export function localTime(ms) {
    return local.format(ms);
}

export function clockTime(ms) {
    return ofDay.format(ms);
}

export function count(number) {
    return grouped.format(number);
}

export function plural(number, one, many = `${one}s`) {
    return `${count(number)} ${number === 1 ? one : many}`;
}

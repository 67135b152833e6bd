// Numbers that are the same for the same seed: what a fleet does can be played again.

/** A number for a text (FNV-1a). */
function hashOf(text) {
    let hash = 0x811c9dc5;
    for (const char of text) {
        hash = Math.imul(hash ^ char.codePointAt(0), 0x01000193);
    }
    return hash >>> 0;
}

/** Each player has its own, of the seed and its name, so that nobody's turn depends on another's (mulberry32). */
export function random(seed, name = "") {
    let state = (hashOf(name) ^ Math.imul(seed, 0x9e3779b1)) >>> 0;
    function next() {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    }
    return {
        between: (low, high) => low + Math.floor(next() * (high - low + 1)),
        chance: (part) => next() < part,
        pick: (items) => items[Math.floor(next() * items.length)],
    };
}

// Waiting with a deadline.
import { setTimeout as pause } from "node:timers/promises";

export const PATIENCE_MS = 20_000;

/** Asks `probe` until its answer is true, and returns that answer. An error counts as no. */
export async function eventually(probe, what, patienceMs = PATIENCE_MS) {
    const deadline = performance.now() + patienceMs;
    let last = null;
    while (performance.now() < deadline) {
        try {
            const answer = await probe();
            if (answer) {
                return answer;
            }
            last = null;
        } catch (error) {
            last = error;
        }
        await pause(20);
    }
    throw new Error(`waited ${patienceMs} ms in vain for ${what}${last === null ? "" : `: ${last.message}`}`);
}

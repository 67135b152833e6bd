// Who is logged in, and what they may.
import { signal } from "@preact/signals";
import { get } from "../api/http.js";

/** `{kind: "session" | "token" | "open", role, name, agent?, expiresAt?}`; null: not known yet. */
export const session = signal(null);

const RANKS = ["viewer", "worker", "coordinator", "admin"];

export function may(role) {
    return session.value === null || RANKS.indexOf(session.value.role) >= RANKS.indexOf(role);
}

export async function startSession() {
    try {
        session.value = (await get("/auth/session")).data;
    } catch {
        // Nothing depends on it: the server judges each request.
    }
}

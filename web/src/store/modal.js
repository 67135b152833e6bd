// The one dialog that may be open.
import { signal } from "@preact/signals";

/** What draws it, a function without arguments; null: none is open. */
export const modal = signal(null);

export function openModal(draw) {
    modal.value = draw;
}

export function closeModal() {
    modal.value = null;
}

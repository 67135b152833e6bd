// What is being dragged: the browser tells it to nobody but the place where it is dropped.
import { signal } from "@preact/signals";

/** The card on its way; null: none. */
export const dragged = signal(null);

export function startDrag(event, card) {
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", card.id);
    // Later: a page that changes in this event ends the drag in Chromium.
    setTimeout(() => {
        dragged.value = card;
    }, 0);
}

export function stopDrag() {
    dragged.value = null;
}

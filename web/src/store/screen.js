import { signal } from "@preact/signals";

const narrowQuery = matchMedia("(max-width: 760px)");

/** Phone width: one column at a time. */
export const narrow = signal(narrowQuery.matches);

narrowQuery.addEventListener("change", () => {
    narrow.value = narrowQuery.matches;
});

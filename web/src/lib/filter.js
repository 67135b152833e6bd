// What the board shows: a filter, as it stands in the URL, as the server is asked, and as a changed
// card is judged by.
import { isDeadLetter } from "./card.js";

export const STATUSES = ["open", "in_progress", "in_review", "blocked", "done"];

/** `is=`: parts of a status that the server has no filter for, or only half of one. */
export const KINDS = ["ready", "waiting", "dead"];
export const SORTS = ["auto", "rank", "created", "updated"];

export const noFilter = { q: "", tags: [], assignee: "", createdBy: "", is: "", sort: "auto" };

export function filterOf(query) {
    const known = (name, values, otherwise) =>
        values.includes(query.get(name)) ? query.get(name) : otherwise;
    return {
        q: (query.get("q") ?? "").trim(),
        tags: [...new Set(query.getAll("tag").filter((tag) => tag !== ""))],
        assignee: (query.get("assignee") ?? "").trim(),
        createdBy: (query.get("createdBy") ?? "").trim(),
        is: known("is", KINDS, ""),
        sort: known("sort", SORTS, "auto"),
    };
}

/** The query of the page's URL, the shortest that gives this filter again. */
export function queryOfFilter(filter) {
    return {
        q: filter.q,
        tag: filter.tags,
        assignee: filter.assignee,
        createdBy: filter.createdBy,
        is: filter.is,
        sort: filter.sort === "auto" ? "" : filter.sort,
    };
}

export function isFiltered(filter) {
    const { q, tags, assignee, createdBy, is } = filter;
    return q !== "" || tags.length > 0 || assignee !== "" || createdBy !== "" || is !== "";
}

/** By itself the board shows what is handed out next, and elsewhere what happened last. */
export function orderOf(filter, status) {
    if (filter.sort !== "auto") {
        return filter.sort;
    }
    return status === "open" ? "rank" : "updated";
}

/** The columns in which anything can fit. */
export function statusesOf(filter) {
    return { ready: ["open"], waiting: ["open"], dead: ["blocked"] }[filter.is] ?? STATUSES;
}

/** The parameters of `GET /board/tasks` for one column. */
export function listQuery(filter, status) {
    return {
        status,
        order: orderOf(filter, status),
        q: filter.q,
        tag: filter.tags,
        assignee: filter.assignee,
        createdBy: filter.createdBy,
        ready: { ready: "true", waiting: "false" }[filter.is],
        view: "summary",
    };
}

/** Words as the server's search has them: runs of letters, digits and marks. */
function wordsOf(text) {
    return text.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
}

export function titleFits(title, q) {
    const words = new Set(wordsOf(title));
    return wordsOf(q).every((word) => words.has(word));
}

function isOfKind(card, kind) {
    if (kind === "dead") {
        return isDeadLetter(card);
    }
    return card.status === "open" && card.ready === (kind === "ready");
}

/** `fits(card, known)`. A card has no description, which `q` is looked for in, too: what the server
 *  listed (`known`) is believed, of all others only the title counts. */
export function matcherOf(filter) {
    return function fits(card, known) {
        return (
            filter.tags.every((tag) => card.tags.includes(tag)) &&
            (filter.assignee === "" || card.assignee === filter.assignee) &&
            (filter.createdBy === "" || card.createdBy === filter.createdBy) &&
            (filter.is === "" || isOfKind(card, filter.is)) &&
            (filter.q === "" || known !== undefined || titleFits(card.title, filter.q))
        );
    };
}

// What a person may do to tasks. Each verb signs with the person's name, or that of the agent as whom
// alone the session speaks.
import { del, patch, post } from "../api/http.js";
import { session } from "./session.js";
import { settings } from "./settings.js";

const ANONYMOUS = "dashboard";

export function myName() {
    return session.value?.agent ?? (settings.value.name || ANONYMOUS);
}

const path = (id, verb) => `/board/tasks/${encodeURIComponent(id)}${verb ? `/${verb}` : ""}`;

function signed(url, body, field, options) {
    return post(url, { ...body, [field]: myName() }, options);
}

const forced = (force) => ({ query: force ? { force: "true" } : undefined });

export const createTask = (task) => signed("/board/tasks", task, "createdBy");
export const editTask = (id, changes, version) => patch(path(id), changes, { version });
export const deleteTask = (id, force) => del(path(id), forced(force));
export const bumpTask = (id) => post(path(id, "bump"));
export const addNote = (id, note) => signed(path(id, "notes"), note, "author");
export const addArtifact = (id, artifact) => post(path(id, "artifacts"), { artifacts: [artifact] });
export const cancelTask = (id, body) => signed(path(id, "cancel"), body, "by");
export const retryTask = (id) => signed(path(id, "retry"), {}, "by");
export const acceptResult = (id, attempt, force) =>
    signed(path(id, `attempts/${attempt}/accept`), force ? { force } : {}, "by");
export const pauseBoard = (body) => signed("/board/pause", body, "by");
export const resumeBoard = (body) => signed("/board/resume", body, "by");

/** How each verb of a planned move is made. `said`: `{text?, outcome?}` from the dialog. */
const moves = {
    hold: (card) => patch(path(card.id), { status: "in_progress", assignee: card.assignee ?? myName() }),
    reopen: (card, said, force) => patch(path(card.id), { status: "open" }, forced(force)),
    block: (card, said, force) => patch(path(card.id), { status: "blocked" }, forced(force)),
    finish: (card, said, force) =>
        patch(path(card.id), { status: "done", outcome: said.outcome }, forced(force)),
    retry: (card) => retryTask(card.id),
    review: (card, said, force) =>
        signed(path(card.id, "review"), { summary: said.text }, "reviewedBy", forced(force)),
    approve: (card, said) =>
        signed(path(card.id, "approve"), said.text ? { comment: said.text } : {}, "approvedBy"),
    reject: (card, said) => signed(path(card.id, "reject"), { reason: said.text }, "rejectedBy"),
};

export function makeMove(card, plan, said = {}) {
    return moves[plan.verb](card, said, plan.takesFrom !== undefined);
}

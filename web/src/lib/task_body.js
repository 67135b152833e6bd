// What a form of a task says, as the body of a create or a PATCH.

/** Entries between commas or line ends, each once. */
export function listOf(text) {
    const entries = (text ?? "").split(/[,\n]/).map((entry) => entry.trim());
    return [...new Set(entries.filter((entry) => entry !== ""))];
}

function numberOf(text) {
    return text === null || text.trim() === "" ? undefined : Number(text);
}

function payloadOf(text) {
    if (text.trim() === "") {
        return undefined;
    }
    try {
        return JSON.parse(text);
    } catch (error) {
        throw new Error(`The payload is no JSON: ${error.message}`);
    }
}

/** The body of a create: fields that are empty are left out. `form.get(name)` gives the texts. */
export function bodyOf(form) {
    const body = {
        title: form.get("title").trim(),
        description: form.get("description").trim() || undefined,
        tags: listOf(form.get("tags")),
        assignee: form.get("assignee").trim() || undefined,
        priority: numberOf(form.get("priority")),
        maxAttempts: numberOf(form.get("maxAttempts")),
        dependencies: listOf(form.get("dependencies")),
        payload: payloadOf(form.get("payload")),
    };
    return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** The PATCH that makes `task` what `body` says: only what differs, and `null` for what is gone. */
export function changesOf(task, body) {
    const changes = {};
    for (const name of ["title", "tags", "dependencies", "priority", "maxAttempts"]) {
        if (body[name] !== undefined && !same(body[name], task[name])) {
            changes[name] = body[name];
        }
    }
    for (const name of ["description", "assignee", "payload"]) {
        if (!same(body[name], task[name])) {
            changes[name] = body[name] ?? null;
        }
    }
    return changes;
}

// A board without any task: how the first one is made, and how an agent gets it.
import { may } from "../store/session.js";
import { Command } from "../ui/copy.jsx";
import { Icon } from "../ui/icons.jsx";
import { openCreate } from "./task_form.jsx";

function curl(path, body) {
    return [
        `curl ${location.origin}${path}`,
        `  -H "Authorization: Bearer $TOKEN"`,
        `  -d '${JSON.stringify(body)}'`,
    ].join(" \\\n");
}

export function EmptyBoard() {
    return (
        <div class="empty">
            <h1>No task yet</h1>
            <p>A task is something to do, for whichever agent is free. Put the first one on the board:</p>
            <Command text={curl("/board/tasks", { title: "Say hello", createdBy: "me", tags: ["first"] })} />
            {may("worker") && (
                <p>
                    <button type="button" class="button button-main" onClick={() => openCreate()}>
                        <Icon name="plus" /> Or make it here
                    </button>
                </p>
            )}
            <h2>Then let an agent take it</h2>
            <p>
                This waits up to a minute for a task, and holds it for five. The answer has a{" "}
                <code>claim.token</code> with which the agent says that it is alive, and that it is done.
            </p>
            <Command text={curl("/board/claim", { agent: "worker-1", wait: 60 })} />
            <p class="muted">
                <code>$TOKEN</code> is a token of the board. This page shows each change as it happens.
            </p>
        </div>
    );
}

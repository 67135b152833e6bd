import { useState } from "preact/hooks";
import { addArtifact } from "../store/tasks.js";
import { safeUrl } from "../lib/markdown_inline.js";
import { may } from "../store/session.js";
import { Field } from "../ui/dialog.jsx";
import { Age } from "../ui/time.jsx";

const types = ["url", "branch", "diff", "report", "deploy", "file"];

function Artifact({ artifact }) {
    const url = safeUrl(artifact.url);
    return (
        <li class="artifact">
            <span class="chip">{artifact.type}</span>
            <span class="artifact-what">
                {url === undefined ? (
                    <>
                        {artifact.label} <span class="mono muted">{artifact.url}</span>
                    </>
                ) : (
                    <a href={url} target="_blank" rel="noopener noreferrer">
                        {artifact.label}
                    </a>
                )}
                <span class="muted">
                    {" "}
                    {artifact.addedBy !== undefined && `${artifact.addedBy}, `}
                    <Age ms={Date.parse(artifact.addedAt)} suffix=" ago" />
                </span>
            </span>
        </li>
    );
}

function ArtifactForm({ task, onChange }) {
    const [error, setError] = useState(null);
    async function send(event) {
        event.preventDefault();
        const form = new FormData(event.target);
        try {
            await addArtifact(task.id, Object.fromEntries(form));
            event.target.reset();
            setError(null);
            onChange();
        } catch (failure) {
            setError(failure.message);
        }
    }
    return (
        <details>
            <summary>Add an artifact</summary>
            <form class="form" onSubmit={send}>
                <Field label="Kind">
                    <select name="type">
                        {types.map((type) => (
                            <option key={type} value={type}>
                                {type}
                            </option>
                        ))}
                    </select>
                </Field>
                <Field label="Address">
                    <input name="url" required maxLength={4096} placeholder="https://…" />
                </Field>
                <Field label="Label">
                    <input name="label" required maxLength={4096} />
                </Field>
                {error !== null && (
                    <p class="form-error" role="alert">
                        {error}
                    </p>
                )}
                <button class="button">Add</button>
            </form>
        </details>
    );
}

export function Artifacts({ task, onChange }) {
    return (
        <>
            {task.artifacts.length === 0 && (
                <p class="muted">None yet: branches, reports and links that come of the work.</p>
            )}
            <ul class="artifacts plain-list">
                {task.artifacts.map((artifact, i) => (
                    <Artifact key={i} artifact={artifact} />
                ))}
            </ul>
            {may("worker") && <ArtifactForm task={task} onChange={onChange} />}
        </>
    );
}

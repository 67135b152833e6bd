import { useState } from "preact/hooks";
import { addNote } from "../store/tasks.js";
import { may } from "../store/session.js";
import { Field } from "../ui/dialog.jsx";
import { Markdown } from "../ui/markdown.jsx";
import { Age } from "../ui/time.jsx";

const SHOWN_AT_FIRST = 50;

const types = [
    ["update", "Update"],
    ["finding", "Finding"],
    ["question", "Question"],
    ["blocker", "Blocker"],
];

const looks = { blocker: "chip chip-bad", question: "chip chip-warn", finding: "chip chip-good" };

function Note({ note }) {
    return (
        <li class="note">
            <p class="note-head">
                <span class={looks[note.type] ?? "chip"}>{note.type}</span>
                <strong>{note.author}</strong>
                <span class="muted">
                    <Age ms={Date.parse(note.createdAt)} suffix=" ago" />
                </span>
            </p>
            <Markdown text={note.content} />
        </li>
    );
}

function NoteForm({ task, onChange }) {
    const [error, setError] = useState(null);
    async function send(event) {
        event.preventDefault();
        const form = new FormData(event.target);
        try {
            await addNote(task.id, { type: form.get("type"), content: form.get("content") });
            event.target.reset();
            setError(null);
            onChange();
        } catch (failure) {
            setError(failure.message);
        }
    }
    return (
        <form class="form" onSubmit={send}>
            <Field label="Add a note">
                <textarea name="content" rows={3} required placeholder="Markdown" />
            </Field>
            {error !== null && (
                <p class="form-error" role="alert">
                    {error}
                </p>
            )}
            <div class="form-line">
                <select name="type" aria-label="Kind of note">
                    {types.map(([value, text]) => (
                        <option key={value} value={value}>
                            {text}
                        </option>
                    ))}
                </select>
                <button class="button">Add</button>
            </div>
        </form>
    );
}

/** The latest first: that is what one comes for. */
export function Notes({ task, onChange }) {
    const [all, setAll] = useState(false);
    const notes = [...task.notes].reverse();
    const shown = all ? notes : notes.slice(0, SHOWN_AT_FIRST);
    return (
        <>
            {may("worker") && <NoteForm task={task} onChange={onChange} />}
            <ol class="notes plain-list">
                {shown.map((note) => (
                    <Note key={note.id} note={note} />
                ))}
            </ol>
            {shown.length < notes.length && (
                <button type="button" class="button" onClick={() => setAll(true)}>
                    Show all {notes.length}
                </button>
            )}
        </>
    );
}

// What wants a person: dead letters, late results, a paused board.
import { href, taskHref } from "../lib/router.js";
import { count, plural } from "../lib/time.js";
import { late } from "../store/late.js";
import { summary } from "../store/live.js";
import { closeModal, openModal } from "../store/modal.js";
import { Dialog } from "../ui/dialog.jsx";
import { Icon } from "../ui/icons.jsx";
import { Age } from "../ui/time.jsx";

function LateList() {
    return (
        <Dialog title="Late results" onClose={closeModal}>
            <p>
                These came when their claim was over. Each is kept with its attempt until somebody accepts it,
                or the task is done otherwise.
            </p>
            <ul class="plain-list">
                {[...late.value].map(([id, title]) => (
                    <li key={id}>
                        <a href={taskHref(id)} onClick={closeModal}>
                            {title}
                        </a>
                    </li>
                ))}
            </ul>
        </Dialog>
    );
}

function pauseText({ tag, reason }) {
    const what = tag === undefined ? "The board is paused" : `“${tag}” is paused`;
    return reason === undefined ? what : `${what}: ${reason}`;
}

export function Attention() {
    const { deadLetters, paused = [], ready, oldestReadyAt } = summary.value;
    const lateOnes = late.value.size;
    return (
        <div class="attention">
            <span class="attention-fact">
                <strong>{count(ready)}</strong> ready
                {oldestReadyAt !== undefined && (
                    <>
                        , the oldest for <Age ms={Date.parse(oldestReadyAt)} />
                    </>
                )}
            </span>
            {deadLetters > 0 && (
                <a class="attention-bad" href={href("/board", { is: "dead" })}>
                    <Icon name="dead" /> {plural(deadLetters, "dead letter")}
                </a>
            )}
            {lateOnes > 0 && (
                <button type="button" class="attention-warn" onClick={() => openModal(() => <LateList />)}>
                    <Icon name="late" /> {plural(lateOnes, "late result")}
                </button>
            )}
            {paused.slice(0, 3).map((pause) => (
                <a key={pause.tag ?? ""} class="attention-warn" href={href("/flow")}>
                    <Icon name="pause" /> {pauseText(pause)}
                </a>
            ))}
        </div>
    );
}

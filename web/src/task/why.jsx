// "Why is nobody taking this?", in general or for an agent and a VM.
import { useState } from "preact/hooks";
import { get } from "../api/http.js";
import { explain, explainClaimable } from "../lib/reasons.js";
import { href, taskHref } from "../lib/router.js";
import { summary } from "../store/live.js";
import { Field } from "../ui/dialog.jsx";
import { Icon } from "../ui/icons.jsx";
import { Trouble } from "../ui/trouble.jsx";
import { useResource } from "../ui/use_resource.js";
import { fetchTask, fetchWhy } from "./data.js";

const SHOWN_IDS = 5;

/** Their titles, as soon as they are known. */
function useTitles(ids) {
    const { data } = useResource(
        async (signal) => {
            const tasks = await Promise.allSettled(ids.map((id) => fetchTask(id, signal)));
            return new Map(tasks.map(({ value }, i) => [ids[i], value?.title]));
        },
        [ids.join()],
    );
    return data ?? new Map();
}

function Reason({ reason }) {
    const { code, text, ids, page } = explain(reason);
    const titles = useTitles(ids.slice(0, SHOWN_IDS));
    return (
        <li class="reason" data-code={code}>
            <Icon name="blocked" />
            <div>
                {text} {page !== undefined && <a href={href(`/${page}`)}>Go there</a>}
                {ids.length > 0 && (
                    <ul class="plain-list">
                        {ids.slice(0, SHOWN_IDS).map((id) => (
                            <li key={id}>
                                <a class={titles.get(id) ? "" : "mono"} href={taskHref(id)}>
                                    {titles.get(id) ?? id}
                                </a>
                            </li>
                        ))}
                        {ids.length > SHOWN_IDS && <li class="muted">and {ids.length - SHOWN_IDS} more</li>}
                    </ul>
                )}
            </div>
        </li>
    );
}

function Answer({ why, agent }) {
    if (why.claimable) {
        return (
            <p class="claimable">
                <Icon name="done" /> {explainClaimable(why.position, agent)}
            </p>
        );
    }
    return (
        <ul class="reasons plain-list">
            {why.reasons.map((reason, i) => (
                <Reason key={i} reason={reason} />
            ))}
        </ul>
    );
}

function useVmIds() {
    const { data } = useResource(async (signal) => (await get("/registry/vms", {}, signal)).data.vms, []);
    return (data ?? []).slice(0, 500).map(({ id }) => id);
}

function Question({ asked, onAsk }) {
    const vmIds = useVmIds();
    return (
        <form
            class="why-form"
            onSubmit={(event) => {
                event.preventDefault();
                const form = new FormData(event.target);
                onAsk({ agent: form.get("agent").trim(), vmId: form.get("vmId") ?? "" });
            }}
        >
            <Field label="Agent">
                <input name="agent" list="why-agents" placeholder="any" defaultValue={asked.agent} />
            </Field>
            {vmIds.length > 0 && (
                <Field label="On the VM">
                    <select name="vmId">
                        <option value="">any</option>
                        {vmIds.map((id) => (
                            <option key={id} value={id} selected={id === asked.vmId}>
                                {id}
                            </option>
                        ))}
                    </select>
                </Field>
            )}
            <button class="button">Ask</button>
            <datalist id="why-agents">
                {Object.keys(summary.value?.byAssignee ?? {}).map((name) => (
                    <option key={name} value={name} />
                ))}
            </datalist>
        </form>
    );
}

function Asking({ task }) {
    const [asked, setAsked] = useState({ agent: "", vmId: "" });
    const pauses = JSON.stringify(summary.value?.paused ?? []);
    const why = useResource(
        (signal) => fetchWhy(task.id, asked, signal),
        [task.id, task.version, task.ready, asked, pauses],
    );
    return (
        <section class="panel why">
            <h2>Why is nobody taking this?</h2>
            {why.error !== null && <Trouble error={why.error} onRetry={why.reload} />}
            <div role="status">{why.data !== undefined && <Answer why={why.data} agent={asked.agent} />}</div>
            <Question asked={asked} onAsk={setAsked} />
        </section>
    );
}

/** Of a task that is done nobody asks, and who has claimed one stands in its facts, with the lease. */
export function Why({ task }) {
    return task.status === "done" || task.claim !== undefined ? null : <Asking task={task} />;
}

// The fields of a task that are a line each.
import { href, taskHref } from "../lib/router.js";
import { Icon } from "../ui/icons.jsx";
import { Age, Lease, Until } from "../ui/time.jsx";

function Fact({ name, children }) {
    return (
        <div class="fact">
            <dt>{name}</dt>
            <dd>{children}</dd>
        </div>
    );
}

function ClaimFacts({ claim, progress }) {
    return (
        <>
            <Fact name="Held by">
                {claim.by}
                {claim.vmId !== undefined && (
                    <>
                        {" on "}
                        <a href={href("/fleet", { vm: claim.vmId })}>{claim.vmId}</a>
                    </>
                )}
                , for <Age ms={Date.parse(claim.claimedAt)} />
            </Fact>
            <Fact name="Lease">
                {claim.vmId === undefined ? <Lease claim={claim} /> : "lives with its VM"}
            </Fact>
            <Fact name="Generation">{claim.generation}</Fact>
            {progress !== undefined && (
                <Fact name="Progress">
                    {progress.percent !== undefined && (
                        <>
                            <progress max="100" value={progress.percent} aria-label="Progress" />{" "}
                            {progress.percent} %
                        </>
                    )}
                    {progress.message !== undefined && <div>{progress.message}</div>}
                    <span class="muted">
                        <Age ms={Date.parse(progress.at)} suffix=" ago" />
                    </span>
                </Fact>
            )}
            {claim.cancelRequested !== undefined && (
                <Fact name="Cancelling">
                    asked by {claim.cancelRequested.by ?? "somebody"}
                    {claim.cancelRequested.reason !== undefined && `: ${claim.cancelRequested.reason}`}
                </Fact>
            )}
        </>
    );
}

function Tags({ tags }) {
    return (
        <ul class="tags plain-list">
            {tags.map((tag) => (
                <li key={tag}>
                    <a class="chip" href={href("/board", { tag })}>
                        {tag}
                    </a>
                </li>
            ))}
        </ul>
    );
}

function holderName({ status, claim }) {
    return status === "open" ? "Reserved for" : claim === undefined ? "Assignee" : undefined;
}

export function Facts({ task }) {
    const who = holderName(task);
    return (
        <dl class="facts">
            {task.claim !== undefined && <ClaimFacts claim={task.claim} progress={task.progress} />}
            {who !== undefined && task.assignee !== undefined && (
                <Fact name={who}>
                    <a href={href("/board", { assignee: task.assignee })}>{task.assignee}</a>
                </Fact>
            )}
            {task.status === "open" && (
                <Fact name="Ready">{task.ready ? "yes: it can be claimed now" : "no: see below why"}</Fact>
            )}
            {task.notBefore !== undefined && (
                <Fact name="Not before">
                    <Until ms={Date.parse(task.notBefore)} />
                </Fact>
            )}
            <Fact name="Priority">
                {task.priority}
                {task.score > 0 && ` + ${task.score} by bumps`}
            </Fact>
            <Fact name="Attempts">
                {task.attempts} of {task.maxAttempts === 0 ? "any number" : task.maxAttempts}
            </Fact>
            {task.tags.length > 0 && (
                <Fact name="Tags">
                    <Tags tags={task.tags} />
                </Fact>
            )}
            <Fact name="Created">
                <Age ms={Date.parse(task.createdAt)} suffix=" ago" /> by {task.createdBy}
            </Fact>
            <Fact name="Changed">
                <Age ms={Date.parse(task.updatedAt)} suffix=" ago" />, version {task.version}
            </Fact>
            {task.parentId !== undefined && (
                <Fact name="Part of">
                    <a class="mono" href={taskHref(task.parentId)}>
                        {task.parentId}
                    </a>
                </Fact>
            )}
            {task.uniqueKey !== undefined && <Fact name="Unique key">{task.uniqueKey}</Fact>}
            <Fact name="Id">
                <span class="mono">{task.id}</span>
            </Fact>
            {task.blockedReason?.kind === "dead_letter" && (
                <Fact name="Dead letter">
                    <span class="bad">
                        <Icon name="dead" /> attempt {task.blockedReason.attempt}{" "}
                        {task.blockedReason.outcome.replace("_", " ")},{" "}
                        <Age ms={Date.parse(task.blockedReason.at)} suffix=" ago" />
                    </span>
                </Fact>
            )}
        </dl>
    );
}

// One machine.
import { useEffect, useRef } from "preact/hooks";
import { effectOfLosing } from "../lib/losses.js";
import { duration, plural } from "../lib/time.js";
import { now } from "../lib/clock.js";
import { Icon } from "../ui/icons.jsx";
import { Age } from "../ui/time.jsx";
import { HeldTasks } from "./held.jsx";

export function stateOf(vm) {
    return vm.stale ? "stale" : vm.status;
}

const looks = {
    running: ["alive", "Running"],
    stale: ["warning", "Stale"],
    paused: ["pause", "Paused"],
    stopped: ["blocked", "Stopped"],
};

function State({ vm }) {
    const state = stateOf(vm);
    const [icon, text] = looks[state];
    return (
        <span class={`vm-state vm-state-${state}`}>
            <Icon name={icon} /> {text}
        </span>
    );
}

/** Since when nothing was heard, and after how long that means that it is lost. */
function Silence({ vm }) {
    const seen = Date.parse(vm.lastSeen);
    const ttl = vm.ttlSeconds * 1000;
    const left = ttl - (now.value - seen);
    if (vm.status !== "running") {
        return (
            <span class="muted">
                heard of <Age ms={seen} suffix=" ago" />
            </span>
        );
    }
    return (
        <span class={vm.stale ? "bad" : left < ttl / 3 ? "warn" : "muted"}>
            heard of <Age ms={seen} suffix=" ago" />
            {left > 0 && left < ttl / 3 && `, stale in ${duration(left)}`}
        </span>
    );
}

function Services({ services }) {
    return (
        <ul class="tags plain-list">
            {services.map(({ name, port }) => (
                <li key={`${name}:${port}`} class="chip">
                    {name}:{port}
                </li>
            ))}
        </ul>
    );
}

function Effect({ cards }) {
    const { open, dead, cancelled } = effectOfLosing(cards);
    const parts = [
        open > 0 && `${plural(open, "task")} back to the queue`,
        dead > 0 && plural(dead, "dead letter"),
        cancelled > 0 && `${cancelled} cancelled`,
    ].filter(Boolean);
    return (
        <p class={dead > 0 ? "effect effect-bad" : "effect"}>
            {dead > 0 && <Icon name="dead" />} If it is lost: {parts.join(", ")}.
        </p>
    );
}

export function Vm({ vm, held, chosen }) {
    const ref = useRef(null);
    useEffect(() => {
        if (chosen) {
            ref.current.scrollIntoView({ block: "center" });
            ref.current.focus({ preventScroll: true });
        }
    }, [chosen]);
    return (
        <li
            ref={ref}
            class={`vm vm-${stateOf(vm)}${chosen ? " vm-chosen" : ""}`}
            tabIndex={chosen ? -1 : undefined}
        >
            <div class="vm-head">
                <h3 class="ellipsis" title={vm.name}>
                    {vm.name}
                </h3>
                <State vm={vm} />
            </div>
            <p class="vm-line">
                <span class="mono ellipsis" title={`${vm.id}, ${vm.address}`}>
                    {vm.id === vm.name ? vm.address : `${vm.id} · ${vm.address}`}
                </span>
            </p>
            <p class="vm-line">
                <Silence vm={vm} />
            </p>
            {vm.services?.length > 0 && <Services services={vm.services} />}
            {held.length > 0 ? (
                <>
                    <HeldTasks cards={held} />
                    {vm.status === "running" && !vm.stale && <Effect cards={held} />}
                </>
            ) : (
                <p class="muted">Holds nothing.</p>
            )}
        </li>
    );
}

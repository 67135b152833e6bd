// The fleet: which machines live, what they hold, and what losing one would do.
import { useEffect, useState } from "preact/hooks";
import { href, navigate, query } from "../lib/router.js";
import { plural } from "../lib/time.js";
import { Command } from "../ui/copy.jsx";
import { Icon } from "../ui/icons.jsx";
import { Trouble } from "../ui/trouble.jsx";
import { followFleet, heldBy, heldElsewhere, vms, vmsError } from "./data.js";
import { HeldTasks } from "./held.jsx";
import { Losses } from "./losses.jsx";
import { Vm, stateOf } from "./vm.jsx";

const roles = ["lieutenant", "worker", "infra", "golden", "custom"];
const SHOWN_AT_FIRST = 60;
const urgency = { stale: 0, running: 1, paused: 2, stopped: 3 };

function EmptyFleet() {
    const command = [
        `curl -X PUT ${location.origin}/registry/vms/vm-1`,
        `  -H "Authorization: Bearer $TOKEN"`,
        `  -d '{"name":"worker 1","role":"worker","address":"10.0.0.1"}'`,
    ].join(" \\\n");
    return (
        <div class="empty">
            <h1>No machine is registered</h1>
            <p>
                A machine that registers and sends heartbeats shows here, with the tasks that agents claim on
                it. When it falls silent, its tasks are handed out again by themselves.
            </p>
            <Command text={command} />
            <p>
                Then, every minute or so: <code>POST /registry/vms/vm-1/heartbeat</code>, and claims with{" "}
                <code>"vmId": "vm-1"</code>.
            </p>
        </div>
    );
}

function Figures({ all }) {
    const number = (state) => all.filter((vm) => stateOf(vm) === state).length;
    const stale = number("stale");
    const held = all.reduce((sum, vm) => sum + vm.claims, 0);
    return (
        <p class="figures">
            <span>
                <strong>{all.length}</strong> machines
            </span>
            <span>
                <strong>{number("running")}</strong> running
            </span>
            {stale > 0 && (
                <span class="bad">
                    <Icon name="warning" /> <strong>{stale}</strong> stale
                </span>
            )}
            {number("paused") > 0 && (
                <span>
                    <strong>{number("paused")}</strong> paused
                </span>
            )}
            {number("stopped") > 0 && (
                <span>
                    <strong>{number("stopped")}</strong> stopped
                </span>
            )}
            <span>
                <strong>{held}</strong> {held === 1 ? "task" : "tasks"} held
            </span>
        </p>
    );
}

function fits(vm, q) {
    const text = [vm.id, vm.name, vm.address, vm.role, ...(vm.services ?? []).map(({ name }) => name)]
        .join(" ")
        .toLowerCase();
    return q
        .toLowerCase()
        .split(/\s+/)
        .every((word) => text.includes(word));
}

function Role({ role, members, chosen }) {
    const [all, setAll] = useState(false);
    const sorted = [...members].sort(
        (a, b) =>
            urgency[stateOf(a)] - urgency[stateOf(b)] ||
            a.name.localeCompare(b.name, "en", { numeric: true }),
    );
    const shown = all ? sorted : sorted.slice(0, SHOWN_AT_FIRST);
    return (
        <section class="role" aria-labelledby={`role-${role}`}>
            <h2 id={`role-${role}`}>
                {role} <span class="panel-count">{members.length}</span>
            </h2>
            <ul class="vms plain-list">
                {shown.map((vm) => (
                    <Vm key={vm.id} vm={vm} held={heldBy.value.get(vm.id) ?? []} chosen={vm.id === chosen} />
                ))}
            </ul>
            {shown.length < sorted.length && (
                <button type="button" class="button" onClick={() => setAll(true)}>
                    Show all {plural(sorted.length, "machine")}
                </button>
            )}
        </section>
    );
}

function Filter({ q }) {
    return (
        <label class="search fleet-search">
            <Icon name="search" />
            <span class="visually-hidden">Search machines</span>
            <input
                type="search"
                placeholder="Name, address, service…"
                value={q}
                onInput={(event) => navigate(href("/fleet", { q: event.target.value }), { replace: true })}
            />
        </label>
    );
}

export function FleetPage() {
    useEffect(followFleet, []);
    const q = query.value.get("q") ?? "";
    const chosen = query.value.get("vm");
    if (vms.value === null) {
        return vmsError.value === null ? <p class="muted">Loading…</p> : <Trouble error={vmsError.value} />;
    }
    if (vms.value.length === 0) {
        return <EmptyFleet />;
    }
    const shown = vms.value.filter((vm) => fits(vm, q));
    return (
        <div class="wide">
            <div class="page-head">
                <h1>Fleet</h1>
                <Figures all={vms.value} />
                <Filter q={q} />
            </div>
            {vmsError.value !== null && <Trouble error={vmsError.value} />}
            <Losses />
            {shown.length === 0 && <p class="muted">No machine fits “{q}”.</p>}
            {roles
                .map((role) => [role, shown.filter((vm) => vm.role === role)])
                .filter(([, members]) => members.length > 0)
                .map(([role, members]) => (
                    <Role key={role} role={role} members={members} chosen={chosen} />
                ))}
            {heldElsewhere.value.length > 0 && q === "" && (
                <section class="role" aria-labelledby="role-none">
                    <h2 id="role-none">
                        Held without a machine <span class="panel-count">{heldElsewhere.value.length}</span>
                    </h2>
                    <div class="panel">
                        <HeldTasks cards={heldElsewhere.value} withHolder />
                    </div>
                </section>
            )}
        </div>
    );
}

import { post } from "../api/http.js";
import { localTime } from "../lib/time.js";
import { closeModal } from "../store/modal.js";
import { session } from "../store/session.js";
import { change, settings } from "../store/settings.js";
import { complain } from "../store/toasts.js";
import { Dialog, Field } from "../ui/dialog.jsx";
import { Icon } from "../ui/icons.jsx";
import { KeyTable } from "./keys.jsx";

const themes = [
    ["auto", "As the system"],
    ["light", "Light"],
    ["dark", "Dark"],
];

async function logOut() {
    try {
        await post("/auth/logout");
    } catch (error) {
        if (error.status !== 401) {
            complain(`Not logged out: ${error.message}`);
            return;
        }
    }
    location.assign("/ui/login");
}

function Themes() {
    return (
        <fieldset class="choices">
            <legend class="field-label">Colours</legend>
            {themes.map(([value, text]) => (
                <label key={value} class="choice">
                    <input
                        type="radio"
                        name="theme"
                        checked={settings.value.theme === value}
                        onChange={() => change({ theme: value })}
                    />
                    {text}
                </label>
            ))}
        </fieldset>
    );
}

function Who() {
    if (session.value === null) {
        return null;
    }
    const { kind, role, name, agent, expiresAt } = session.value;
    if (kind === "open") {
        return <p class="muted">This server asks nobody for a token.</p>;
    }
    return (
        <p class="muted">
            Logged in by the token <strong>{name}</strong> as {role}
            {agent !== undefined && `, speaking as ${agent}`}
            {expiresAt !== undefined && `, until ${localTime(Date.parse(expiresAt))}`}.
        </p>
    );
}

export function SettingsDialog() {
    return (
        <Dialog title="Settings" onClose={closeModal}>
            <div class="form">
                <Who />
                <Field label="Your name" hint="Signs what you create, note, approve and cancel.">
                    <input
                        value={session.value?.agent ?? settings.value.name}
                        disabled={session.value?.agent !== undefined}
                        maxLength={64}
                        placeholder="dashboard"
                        autocomplete="nickname"
                        onInput={(event) => change({ name: event.target.value.trim() })}
                    />
                </Field>
                <Themes />
                <label class="choice">
                    <input
                        type="checkbox"
                        checked={settings.value.keys}
                        onChange={(event) => change({ keys: event.target.checked })}
                    />
                    Keys without Ctrl or Alt do something
                </label>
                <KeyTable />
                {session.value?.kind !== "open" && (
                    <footer class="dialog-foot">
                        <button type="button" class="button" onClick={logOut}>
                            <Icon name="out" /> Log out
                        </button>
                    </footer>
                )}
            </div>
        </Dialog>
    );
}

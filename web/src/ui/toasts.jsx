import { dismiss, toasts } from "../store/toasts.js";
import { Icon } from "./icons.jsx";

function Toast({ toast }) {
    return (
        <div class={`toast toast-${toast.kind}`}>
            <Icon name={toast.kind === "error" ? "warning" : "done"} />
            <p>{toast.text}</p>
            <button type="button" class="button-quiet" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
                <Icon name="close" />
            </button>
        </div>
    );
}

export function Toasts() {
    return (
        <div class="toasts" role="status" aria-live="polite">
            {toasts.value.map((toast) => (
                <Toast key={toast.id} toast={toast} />
            ))}
        </div>
    );
}

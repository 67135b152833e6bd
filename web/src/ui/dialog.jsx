// A modal dialog: the browser's own, which keeps the focus inside, closes on Escape and gives the
// focus back.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon } from "./icons.jsx";

export function Dialog({ title, onClose, children, wide = false }) {
    const ref = useRef(null);
    const id = useId();
    useEffect(() => {
        const before = document.activeElement;
        ref.current.showModal();
        return () => before?.focus?.();
    }, []);
    return (
        <dialog
            ref={ref}
            class={wide ? "dialog dialog-wide" : "dialog"}
            aria-labelledby={id}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
            onMouseDown={(event) => event.target === ref.current && onClose()}
        >
            <div class="dialog-body">
                <header class="dialog-head">
                    <h2 id={id}>{title}</h2>
                    <button type="button" class="button-quiet" aria-label="Close" onClick={onClose}>
                        <Icon name="close" />
                    </button>
                </header>
                {children}
            </div>
        </dialog>
    );
}

/** A form in a dialog: `onSubmit` may refuse by an error, which is shown, and the dialog stays. */
export function FormDialog({ title, submit, danger, wide, onSubmit, onClose, children }) {
    const [error, setError] = useState(null);
    const [busy, setBusy] = useState(false);
    async function send(event) {
        event.preventDefault();
        setBusy(true);
        setError(null);
        try {
            await onSubmit(new FormData(event.target));
            onClose();
        } catch (failure) {
            setError(failure.message);
            setBusy(false);
        }
    }
    return (
        <Dialog title={title} onClose={onClose} wide={wide}>
            <form class="form" onSubmit={send}>
                {children}
                {error !== null && (
                    <p class="form-error" role="alert">
                        <Icon name="warning" /> {error}
                    </p>
                )}
                <footer class="dialog-foot">
                    <button type="button" class="button" onClick={onClose}>
                        Close
                    </button>
                    <button class={danger ? "button button-danger" : "button button-main"} disabled={busy}>
                        {submit}
                    </button>
                </footer>
            </form>
        </Dialog>
    );
}

/** A labelled control. `hint` says what it is for when the label does not. */
export function Field({ label, hint, children }) {
    return (
        <label class="field">
            <span class="field-label">{label}</span>
            {children}
            {hint !== undefined && <span class="field-hint">{hint}</span>}
        </label>
    );
}

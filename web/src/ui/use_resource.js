import { useCallback, useEffect, useRef, useState } from "preact/hooks";

const nothing = { data: undefined, error: null, loading: true };

/** What `fetcher(signal)` gives, again whenever `deps` change or `reload()` is called. While it is
 *  fetched anew, the one before is kept. */
export function useResource(fetcher, deps) {
    const [state, setState] = useState(nothing);
    const abort = useRef(null);
    const reload = useCallback(async () => {
        abort.current?.abort();
        const mine = new AbortController();
        abort.current = mine;
        setState((before) => ({ ...before, loading: true }));
        try {
            const data = await fetcher(mine.signal);
            if (!mine.signal.aborted) {
                setState({ data, error: null, loading: false });
            }
        } catch (error) {
            if (!mine.signal.aborted) {
                setState((before) => ({ ...before, error, loading: false }));
            }
        }
    }, deps);
    useEffect(() => {
        reload();
        return () => abort.current?.abort();
    }, [reload]);
    return { ...state, reload };
}

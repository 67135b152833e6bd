/** The query of an URL: absent and empty values are left out, arrays are repeated. */
export function queryOf(params) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(params ?? {})) {
        for (const one of Array.isArray(value) ? value : [value]) {
            if (one !== undefined && one !== "") {
                query.append(name, one);
            }
        }
    }
    const text = query.toString();
    return text === "" ? "" : `?${text}`;
}

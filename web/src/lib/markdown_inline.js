// What stands within a line of Markdown. Nothing that looks like HTML is anything but text, and links
// lead only where a browser fetches or writes mail: never to `javascript:`.

const DEPTH_MAX = 6;
const LINK_TEXT_MAX = 1000;
const URL_MAX = 4000;

const taskId = /^[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Za-z])/;
const bareUrl = /^https?:\/\/[^\s<>"'`]+/;
const special = /[\\`*_~[!<h0-7\n]/g;

export function safeUrl(url) {
    try {
        const parsed = new URL(url);
        return ["http:", "https:", "mailto:"].includes(parsed.protocol) ? parsed.href : undefined;
    } catch {
        return undefined;
    }
}

function link(url, children) {
    const href = safeUrl(url);
    return href === undefined
        ? { tag: "span", props: {}, children }
        : { tag: "a", props: { href, target: "_blank", rel: "noopener noreferrer nofollow" }, children };
}

function isWord(character) {
    return character !== undefined && /[\p{L}\p{N}_]/u.test(character);
}

function takeCode(text, at) {
    const marks = /^`+/.exec(text.slice(at, at + 20))[0];
    const end = text.indexOf(marks, at + marks.length);
    if (end < 0) {
        return null;
    }
    const code = text.slice(at + marks.length, end).replace(/^ (.*) $/s, "$1");
    return [{ tag: "code", props: {}, children: [code] }, end + marks.length];
}

/** `**strong**`, `*em*`, `_em_`, `~~struck~~`; within a word `_` is only a letter. */
function takeEmphasis(text, at, depth) {
    const mark = text[at];
    const double = text[at + 1] === mark;
    const marks = double ? mark + mark : mark;
    const tag = mark === "~" ? "del" : double ? "strong" : "em";
    const from = at + marks.length;
    const bad = (mark === "~" && !double) || (mark === "_" && isWord(text[at - 1]));
    if (bad || depth >= DEPTH_MAX || /\s/.test(text[from] ?? " ")) {
        return null;
    }
    let end = text.indexOf(marks, from + 1);
    while (end >= 0 && /\s/.test(text[end - 1])) {
        end = text.indexOf(marks, end + 1);
    }
    if (end < 0 || (mark === "_" && isWord(text[end + marks.length]))) {
        return null;
    }
    return [{ tag, props: {}, children: parse(text.slice(from, end), depth + 1) }, end + marks.length];
}

/** The `)` that closes a URL, which may have pairs of them inside; -1: there is none near. */
function endOfUrl(text, from) {
    let open = 1;
    for (let at = from; at < text.length && at - from < URL_MAX; at++) {
        open += text[at] === "(" ? 1 : text[at] === ")" ? -1 : 0;
        if (open === 0) {
            return at;
        }
    }
    return -1;
}

/** `[text](url)`, and `![text](url)` as a link, too: a picture would be fetched from elsewhere. */
function takeLink(text, at, depth) {
    const from = text[at] === "!" ? at + 1 : at;
    if (text[from] !== "[" || depth >= DEPTH_MAX) {
        return null;
    }
    const close = text.indexOf("](", from);
    if (close < 0 || close - from > LINK_TEXT_MAX) {
        return null;
    }
    const end = endOfUrl(text, close + 2);
    if (end < 0) {
        return null;
    }
    const url = text
        .slice(close + 2, end)
        .trim()
        .split(/\s+"/)[0];
    return [link(url, parse(text.slice(from + 1, close), depth + 1)), end + 1];
}

function takeUrl(text, at) {
    const found = bareUrl.exec(text.slice(at, at + URL_MAX));
    if (found === null || isWord(text[at - 1])) {
        return null;
    }
    const url = found[0].replace(/[.,;:!?)\]}]+$/, "");
    return [link(url, [url]), at + url.length];
}

function takeTask(text, at) {
    const found = isWord(text[at - 1]) ? null : taskId.exec(text.slice(at, at + 30));
    if (found === null) {
        return null;
    }
    return [{ tag: "task", props: { id: found[0] }, children: [] }, at + found[0].length];
}

function takeAngled(text, at) {
    const found = /^<(https?:\/\/[^\s>]+|mailto:[^\s>]+)>/.exec(text.slice(at, at + URL_MAX));
    return found === null ? null : [link(found[1], [found[1]]), at + found[0].length];
}

function take(text, at, depth) {
    const character = text[at];
    if (character === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) {
        return [text[at + 1], at + 2];
    }
    if (character === "`") {
        return takeCode(text, at);
    }
    if (character === "*" || character === "_" || character === "~") {
        return takeEmphasis(text, at, depth);
    }
    if (character === "[" || character === "!") {
        return takeLink(text, at, depth);
    }
    if (character === "<") {
        return takeAngled(text, at);
    }
    if (character === "h") {
        return takeUrl(text, at);
    }
    if (character === "\n") {
        return [{ tag: "br", props: {}, children: [] }, at + 1];
    }
    return takeTask(text, at);
}

function parse(text, depth) {
    const out = [];
    let plainFrom = 0;
    let at = 0;
    while (at < text.length) {
        special.lastIndex = at;
        const found = special.exec(text);
        if (found === null) {
            break;
        }
        const taken = take(text, found.index, depth);
        if (taken === null) {
            at = found.index + 1;
            continue;
        }
        if (found.index > plainFrom) {
            out.push(text.slice(plainFrom, found.index));
        }
        out.push(taken[0]);
        at = plainFrom = taken[1];
    }
    if (plainFrom < text.length) {
        out.push(text.slice(plainFrom));
    }
    return out;
}

export function inline(text) {
    return parse(text, 0);
}

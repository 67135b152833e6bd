// Markdown, as far as descriptions and notes of tasks use it, into a tree that a view can draw without
// ever making HTML of text: `{tag, props, children}` and strings. Headings, paragraphs, lists, quotes,
// fenced code, tables, rules; emphasis, code, links, bare URLs and ids of tasks.
import { inline } from "./markdown_inline.js";

const DEPTH_MAX = 5; // of lists and quotes in each other
const BYTES_MAX = 200_000; // a longer text is shown as it is

export function element(tag, props, children) {
    return { tag, props, children };
}

const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/;
const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const rule = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const quote = /^ {0,3}>\s?/;
const item = /^( *)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const tableRule = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

function takeFence(lines, at) {
    const [, marks] = fence.exec(lines[at]);
    let end = at + 1;
    while (end < lines.length && !lines[end].trimStart().startsWith(marks)) {
        end++;
    }
    const code = lines.slice(at + 1, end).join("\n");
    return [element("pre", { tabIndex: 0 }, [element("code", {}, [code])]), end + 1];
}

function takeQuote(lines, at, depth) {
    let end = at;
    while (end < lines.length && quote.test(lines[end])) {
        end++;
    }
    const inner = lines.slice(at, end).map((line) => line.replace(quote, ""));
    return [element("blockquote", {}, blocks(inner, depth + 1)), end];
}

function checkbox(text) {
    const box = /^\[([ xX])\]\s+/.exec(text);
    return box === null ? text : (box[1] === " " ? "☐ " : "☑ ") + text.slice(box[0].length);
}

/** The lines of one list: its items and what is indented behind them. */
function takeList(lines, at, depth) {
    const [, indent, mark] = item.exec(lines[at]);
    const ordered = /\d/.test(mark);
    const items = [];
    let end = at;
    while (end < lines.length) {
        const found = item.exec(lines[end]);
        if (found !== null && found[1].length <= indent.length + 1) {
            if (/\d/.test(found[2]) !== ordered) {
                break;
            }
            items.push([checkbox(found[3])]);
        } else if (found !== null || /^\s+\S/.test(lines[end])) {
            items.at(-1).push(lines[end].slice(Math.min(indent.length + 2, lines[end].search(/\S/))));
        } else {
            break;
        }
        end++;
    }
    const children = items.map((inner) => element("li", {}, tight(blocks(inner, depth + 1))));
    const start = ordered ? { start: parseInt(mark, 10) } : {};
    return [element(ordered ? "ol" : "ul", start, children), end];
}

/** A list item's first paragraph is its text, without the space that paragraphs have. */
function tight(children) {
    const [first, ...rest] = children;
    return first?.tag === "p" ? [...first.children, ...rest] : children;
}

function cellsOf(line) {
    return line
        .trim()
        .replace(/^\|/, "")
        .replace(/\|$/, "")
        .split("|")
        .map((cell) => cell.trim());
}

function takeTable(lines, at) {
    const row = (line, tag) =>
        element(
            "tr",
            {},
            cellsOf(line).map((cell) => element(tag, {}, inline(cell))),
        );
    let end = at + 2;
    while (end < lines.length && lines[end].includes("|")) {
        end++;
    }
    const body = lines.slice(at + 2, end).map((line) => row(line, "td"));
    return [
        element("div", { class: "table-box", tabIndex: 0 }, [
            element("table", {}, [element("thead", {}, [row(lines[at], "th")]), element("tbody", {}, body)]),
        ]),
        end,
    ];
}

function beginsBlock(line) {
    return fence.test(line) || heading.test(line) || rule.test(line) || quote.test(line) || item.test(line);
}

function takeParagraph(lines, at) {
    let end = at + 1;
    while (end < lines.length && lines[end].trim() !== "" && !beginsBlock(lines[end])) {
        end++;
    }
    const text = lines
        .slice(at, end)
        .map((line) => line.trimStart())
        .join("\n");
    return [element("p", {}, inline(text)), end];
}

function takeHeading(lines, at) {
    const [, marks, text] = heading.exec(lines[at]);
    return [{ ...element("heading", {}, inline(text)), level: marks.length }, at + 1];
}

function headingsIn(nodes) {
    return nodes.flatMap((node) => {
        if (typeof node === "string") {
            return [];
        }
        return node.level === undefined ? headingsIn(node.children) : [node];
    });
}

/** The highest level that a text uses comes right below `level`, that of the heading it stands under, and
 *  none is left out, whatever the text does: who hears a page goes by its headings. */
function placeHeadings(tree, level) {
    const found = headingsIn(tree);
    const used = [...new Set(found.map((node) => node.level))].sort();
    let before = level;
    for (const node of found) {
        before = Math.min(6, level + 1 + used.indexOf(node.level), before + 1);
        node.tag = `h${before}`;
    }
    return tree;
}

function takeBlock(lines, at, depth) {
    const line = lines[at];
    if (fence.test(line)) {
        return takeFence(lines, at);
    }
    if (heading.test(line)) {
        return takeHeading(lines, at);
    }
    if (rule.test(line)) {
        return [element("hr", {}, []), at + 1];
    }
    if (depth < DEPTH_MAX && quote.test(line)) {
        return takeQuote(lines, at, depth);
    }
    if (depth < DEPTH_MAX && item.test(line)) {
        return takeList(lines, at, depth);
    }
    if (line.includes("|") && tableRule.test(lines[at + 1] ?? "") && lines[at + 1].includes("-")) {
        return takeTable(lines, at);
    }
    return takeParagraph(lines, at);
}

function blocks(lines, depth) {
    const out = [];
    let at = 0;
    while (at < lines.length) {
        if (lines[at].trim() === "") {
            at++;
            continue;
        }
        const [block, next] = takeBlock(lines, at, depth);
        out.push(block);
        at = next;
    }
    return out;
}

/** `level`: of the heading under which the text stands. */
export function markdown(text, level = 2) {
    if (text.length > BYTES_MAX) {
        return [element("pre", { tabIndex: 0 }, [text])];
    }
    const lines = text.replaceAll("\r\n", "\n").replaceAll("\t", "    ").split("\n");
    return placeHeadings(blocks(lines, 0), level);
}

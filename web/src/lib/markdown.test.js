import assert from "node:assert/strict";
import { test } from "node:test";
import { markdown } from "./markdown.js";
import { inline, safeUrl } from "./markdown_inline.js";

/** The tree as text, to compare with: `<p>a <em>b</em></p>`. Only here it becomes anything like HTML. */
function show(node) {
    if (typeof node === "string") {
        return node;
    }
    const href = node.props.href === undefined ? "" : ` ${node.props.href}`;
    const id = node.props.id === undefined ? "" : ` ${node.props.id}`;
    return `<${node.tag}${href}${id}>${node.children.map(show).join("")}</${node.tag}>`;
}

const blocks = (text) => markdown(text).map(show).join("");
const line = (text) => inline(text).map(show).join("");

test("blocks are told apart", () => {
    assert.equal(
        blocks("# A\n\nb\nc\n\n---\n> q"),
        "<h3>A</h3><p>b<br></br>c</p><hr></hr><blockquote><p>q</p></blockquote>",
    );
});

test("headings follow the one that the text stands under, without a gap", () => {
    const tags = (text, level) => markdown(text, level).map(({ tag }) => tag);
    assert.deepEqual(tags("## a\n#### b\n## c\n# d"), ["h3", "h4", "h4", "h3"]);
    assert.deepEqual(tags("### a\n# b", 1), ["h2", "h2"]);
    assert.deepEqual(tags("# a\n### b\n###### c"), ["h3", "h4", "h5"]);
});

test("lists nest and keep their numbers", () => {
    assert.equal(blocks("- a\n  - b\n- [x] c"), "<ul><li>a<ul><li>b</li></ul></li><li>☑ c</li></ul>");
    assert.equal(markdown("3. a\n4. b")[0].props.start, 3);
});

test("code is kept as it is, whatever stands in it", () => {
    assert.equal(blocks("```js\n<b> *x* [a](b)\n```"), "<pre><code><b> *x* [a](b)</code></pre>");
    assert.equal(blocks("```\nwithout an end"), "<pre><code>without an end</code></pre>");
    assert.equal(line("a `*b*` c"), "a <code>*b*</code> c");
});

test("a table has a head and rows", () => {
    assert.equal(
        blocks("| a | b |\n|---|:-:|\n| 1 | **2** |"),
        "<div><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td><strong>2</strong></td></tr></tbody></table></div>",
    );
});

test("emphasis needs its end, and no blank inside", () => {
    assert.equal(line("**a** *b* _c_ ~~d~~"), "<strong>a</strong> <em>b</em> <em>c</em> <del>d</del>");
    assert.equal(line("2 * 3 * 4, snake_case_name, *open"), "2 * 3 * 4, snake_case_name, *open");
});

test("links lead to the web and nowhere else", () => {
    assert.equal(line("[a](https://x.example/y)"), "<a https://x.example/y>a</a>");
    assert.equal(line("see https://x.example/y."), "see <a https://x.example/y>https://x.example/y</a>.");
    for (const url of [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        " vbscript:x",
        "//x",
        "file:///etc",
    ]) {
        assert.equal(safeUrl(url), undefined, url);
        assert.equal(line(`[a](${url.trim()})`), "<span>a</span>");
    }
});

test("HTML is text", () => {
    assert.equal(blocks("<script>alert(1)</script>"), "<p><script>alert(1)</script></p>");
    assert.deepEqual(markdown("<img src=x>")[0].children, ["<img src=x>"]);
});

test("ids of tasks are links to them", () => {
    assert.equal(
        line("after 01KAP2XZ7M9QB3T5V8W2Y4A6CE, and 101KAP2XZ7M9QB3T5V8W2Y4A6CE"),
        "after <task 01KAP2XZ7M9QB3T5V8W2Y4A6CE></task>, and 101KAP2XZ7M9QB3T5V8W2Y4A6CE",
    );
});

test("hostile texts take no time", () => {
    for (const piece of [
        "*",
        "**a ",
        "[",
        "[a](",
        "`",
        "_a",
        "> ",
        "- ",
        "~~",
        "h",
        "<http://",
        "|-",
        "  - a\n",
    ]) {
        const before = process.cpuUsage();
        markdown(piece.repeat(Math.floor(40_000 / piece.length)));
        assert.ok(process.cpuUsage(before).user < 1_500_000, `${JSON.stringify(piece)} took too long`);
    }
});

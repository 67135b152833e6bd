import assert from "node:assert/strict";
import { test } from "node:test";
import { queryOf } from "./query.js";
import { filterOf, listQuery, matcherOf, noFilter, orderOf, queryOfFilter } from "./filter.js";

const parse = (text) => filterOf(new URLSearchParams(text));

test("a filter survives its way through the URL", () => {
    const filter = {
        q: "ünï code & more",
        tags: ["a b", "c=d"],
        assignee: "w 1",
        createdBy: "me",
        is: "dead",
        sort: "created",
    };
    assert.deepEqual(parse(queryOf(queryOfFilter(filter))), filter);
});

test("what the URL says wrongly is as if it were not there", () => {
    assert.deepEqual(parse("is=nonsense&sort=up&tag=&x=1"), noFilter);
    assert.equal(queryOf(queryOfFilter(noFilter)), "");
});

test("tags that are given twice count once", () => {
    assert.deepEqual(parse("tag=a&tag=a&tag=b").tags, ["a", "b"]);
});

test("the server is asked for what it can tell", () => {
    const query = listQuery(parse("is=ready&tag=x&q=two+words"), "open");
    assert.equal(queryOf(query), "?status=open&order=rank&q=two+words&tag=x&ready=true&view=summary");
});

test("open tasks come in the order of claims unless another is asked for", () => {
    assert.equal(orderOf(noFilter, "open"), "rank");
    assert.equal(orderOf(noFilter, "done"), "updated");
    assert.equal(orderOf(parse("sort=created"), "done"), "created");
});

test("a card is judged as the server would", () => {
    const card = {
        title: "Parse the Grammar, twice",
        tags: ["a", "b"],
        assignee: "w1",
        createdBy: "me",
        status: "open",
        ready: true,
    };
    const fits = (text, known) => matcherOf(parse(text))(card, known);
    assert.equal(fits("tag=a&tag=b"), true);
    assert.equal(fits("tag=a&tag=c"), false);
    assert.equal(fits("assignee=w1&createdBy=me"), true);
    assert.equal(fits("assignee=w2"), false);
    assert.equal(fits("q=grammar+PARSE"), true);
    assert.equal(fits("q=gram"), false);
    assert.equal(fits("q=gram", card), true);
    assert.equal(fits("is=ready"), true);
    assert.equal(fits("is=waiting"), false);
    assert.equal(fits("is=dead"), false);
});

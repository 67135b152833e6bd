// What the tasks of the played fleet are about.

export const components = ["parser", "scheduler", "storage", "gateway", "billing", "search", "importer", "mailer"];

const verbs = ["Profile", "Rewrite", "Document", "Harden", "Split", "Benchmark", "Review", "Simplify", "Port", "Fuzz"];
const things = ["the retry loop", "the cache", "error messages", "the config loader", "the wire format", "start-up", "the index", "rate limits",
    "the migration", "log output"];

export const findings = ["The slow path copies each row twice.", "It only fails with a full disk.", "The limit is checked after the write.",
    "Two callers depend on the old order."];
export const failures = ["The compiler ran out of memory", "The test database did not start within 60 s", "Connection reset by the package mirror",
    "17 of 412 tests failed"];
export const messages = ["reading the code", "writing a failing test", "compiling", "running the tests", "waiting for the mirror", "measuring"];

export function title(random, component) {
    return `${random.pick(verbs)} ${random.pick(things)} of the ${component}`;
}

export const description = `## What is wrong

The importer reads a *whole* file before it writes the first row, so that **large files** take more memory than a worker has.

1. Read in pieces of 64 KiB.
2. Write a row as soon as it is whole.
3. Keep the order.

\`\`\`sh
./import --file big.csv --measure
\`\`\`

See [the measurements](https://example.org/measurements) and what \`RSS\` does meanwhile.
`;

/** A plan: the tasks of one piece of work, the last of which waits for all. */
export function plan(random, component) {
    const common = { createdBy: "planner", tags: [component, "plan"] };
    return [
        { ...common, ref: "goal", title: `Release the ${component}`, dependencies: ["#announce"], priority: 10, tags: [component, "plan", "goal"] },
        { ...common, ref: "design", parentId: "#goal", title: `Design the new ${component}`, priority: 5, description },
        { ...common, ref: "api", parentId: "#goal", title: `Settle the interface of the ${component}`, dependencies: ["#design"], priority: 4 },
        { ...common, ref: "code", parentId: "#goal", title: `Write the ${component}`, dependencies: ["#api"], payload: { component, branch: `${component}-2` } },
        { ...common, ref: "tests", parentId: "#goal", title: `Test the ${component}`, dependencies: ["#api"] },
        { ...common, ref: "bench", parentId: "#goal", title: title(random, component), dependencies: ["#code"], priority: -2 },
        { ...common, ref: "docs", parentId: "#goal", title: `Document the ${component}`, dependencies: ["#code"], tags: [component, "plan", "docs"] },
        { ...common, ref: "review", parentId: "#goal", title: `Review the ${component}`, dependencies: ["#code", "#tests"] },
        { ...common, ref: "announce", parentId: "#goal", title: `Announce the ${component}`, dependencies: ["#review", "#bench", "#docs"] },
    ];
}

// Bundles the dashboard: `node build.mjs [--outdir DIR]`.
//
// DIR gets index.html, the scripts and styles under names that carry a hash of what is in them, the
// icon, and each of these compressed beside it (.gz, .br), so that the server only has to send files.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { outdir: { type: "string", default: join(here, "dist") } } });
const outdir = resolve(values.outdir);

// What the bundle contains of others, and on which terms.
const bundled = ["preact", "@preact/signals", "@preact/signals-core", "uplot"];

async function bundle() {
    const result = await build({
        absWorkingDir: here,
        entryPoints: { app: "src/main.jsx" },
        outdir,
        bundle: true,
        splitting: true,
        format: "esm",
        target: "es2022",
        minify: true,
        legalComments: "none",
        jsx: "automatic",
        jsxImportSource: "preact",
        entryNames: "[name]-[hash]",
        chunkNames: "[name]-[hash]",
        assetNames: "[name]-[hash]",
        metafile: true,
        logLevel: "warning",
    });
    for (const [file, output] of Object.entries(result.metafile.outputs)) {
        if (output.entryPoint === "src/main.jsx") {
            const parts = output.imports.filter(({ kind }) => kind === "import-statement");
            return {
                script: nameOf(file),
                style: nameOf(output.cssBundle),
                parts: parts.map(({ path }) => nameOf(path)),
            };
        }
    }
    throw new Error("the bundler did not say what it made of src/main.jsx");
}

function nameOf(path) {
    return path.slice(path.lastIndexOf("/") + 1);
}

async function copyIcon() {
    const icon = await readFile(join(here, "src/icon.svg"));
    const hash = createHash("sha256").update(icon).digest("hex").slice(0, 8).toUpperCase();
    const name = `icon-${hash}.svg`;
    await writeFile(join(outdir, name), icon);
    return name;
}

async function writePage(names) {
    let page = await readFile(join(here, "src/index.html"), "utf8");
    for (const key of ["script", "style", "icon"]) {
        page = page.replaceAll(`{{${key}}}`, `/ui/${names[key]}`);
    }
    // What the script imports is fetched along with it, not only when it has been read.
    const preloads = names.parts.map((name) => `<link rel="modulepreload" href="/ui/${name}">\n`);
    page = page.replace("{{preloads}}\n", preloads.join(""));
    await writeFile(join(outdir, "index.html"), page);
}

async function writeLicences() {
    const parts = [];
    for (const name of bundled) {
        const text = await readFile(join(here, "node_modules", name, "LICENSE"), "utf8");
        parts.push(`${name}\n\n${text.trim()}\n`);
    }
    await writeFile(join(outdir, "licences.txt"), parts.join(`\n${"-".repeat(72)}\n\n`));
}

function compress(bytes) {
    const params = {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    };
    return { gz: gzipSync(bytes, { level: 9 }), br: brotliCompressSync(bytes, { params }) };
}

async function compressAll() {
    const rows = [];
    for (const name of (await readdir(outdir)).sort()) {
        const bytes = await readFile(join(outdir, name));
        const { gz, br } = compress(bytes);
        await writeFile(join(outdir, `${name}.gz`), gz);
        await writeFile(join(outdir, `${name}.br`), br);
        rows.push({ name, bytes: bytes.length, gzip: gz.length, brotli: br.length });
    }
    return rows;
}

function report(rows, first) {
    const line = (name, ...sizes) =>
        console.log(name.padEnd(28) + sizes.map((size) => String(size).padStart(9)).join(""));
    line("", "bytes", "gzip", "brotli");
    for (const row of rows) {
        line(row.name, row.bytes, row.gzip, row.brotli);
    }
    const shown = rows.filter((row) => first.includes(row.name));
    const sum = (key) => shown.reduce((total, row) => total + row[key], 0);
    line("first paint", sum("bytes"), sum("gzip"), sum("brotli"));
}

await rm(outdir, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });
const { script, style, parts } = await bundle();
const icon = await copyIcon();
await writePage({ script, style, parts, icon });
await writeLicences();
report(await compressAll(), ["index.html", script, style, icon, ...parts]);

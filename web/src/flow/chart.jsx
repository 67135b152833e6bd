// A chart over time. Its lines differ by their dashes, too, and a table says the same in numbers.
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { clockTime } from "../lib/time.js";

const HEIGHT = 190;
const WHOLE = [1, 2, 5]
    .flatMap((n) => [n, n * 10, n * 100, n * 1000, n * 10_000, n * 100_000])
    .sort((a, b) => a - b);
const TABLE_ROWS = 30;

const dashes = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

/** Colours of the theme as the canvas needs them: resolved. */
function colour(node, name) {
    node.style.color = `var(${name})`;
    const resolved = getComputedStyle(node).color;
    node.style.color = "";
    return resolved;
}

function axis(node, more) {
    return {
        stroke: colour(node, "--muted"),
        grid: { stroke: colour(node, "--line"), width: 1 },
        ticks: { show: false },
        font: "12px system-ui, sans-serif",
        ...more,
    };
}

function optionsOf(node, width, { lines, format, steps, onPoint }) {
    return {
        width,
        height: HEIGHT,
        padding: [8, 22, 0, 0],
        cursor: { y: false, points: { size: 6 } },
        legend: { show: false },
        hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx)] },
        scales: { y: { range: (plot, low, high) => [0, Math.max(1, high * 1.08)] } },
        axes: [
            axis(node, { values: "{HH}:{mm}", space: 64, size: 28 }),
            axis(node, { size: 52, values: (plot, ticks) => ticks.map(format), incrs: steps }),
        ],
        series: [
            {},
            ...lines.map(({ colour: variable }, i) => ({
                stroke: colour(node, variable),
                width: 1.75,
                dash: dashes[i],
                points: { show: false },
            })),
        ],
    };
}

function useTheme(redraw) {
    useEffect(() => {
        const query = matchMedia("(prefers-color-scheme: dark)");
        const observer = new MutationObserver(redraw);
        observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
        query.addEventListener("change", redraw);
        return () => {
            observer.disconnect();
            query.removeEventListener("change", redraw);
        };
    }, []);
}

function told(value, format) {
    return value === undefined || value === null ? "–" : format(value);
}

/** The values where the pointer is, or else the latest. */
function Legend({ times, lines, format, point }) {
    const at = point ?? times.length - 1;
    return (
        <ul class="legend plain-list">
            <li class="muted">{times[at] === undefined ? "" : clockTime(times[at] * 1000).slice(0, 5)}</li>
            {lines.map(({ name, colour: variable, values }, i) => (
                <li key={name}>
                    <svg
                        class="legend-line"
                        width="26"
                        height="10"
                        aria-hidden="true"
                        style={{ color: `var(${variable})` }}
                    >
                        <path
                            d="M1 5h24"
                            stroke="currentColor"
                            stroke-width="2.5"
                            stroke-dasharray={dashes[i].join(" ")}
                        />
                    </svg>
                    {name} <strong>{told(values[at], format)}</strong>
                </li>
            ))}
        </ul>
    );
}

function Numbers({ title, times, lines, format }) {
    const from = Math.max(0, times.length - TABLE_ROWS);
    return (
        <details class="chart-table">
            <summary>As a table</summary>
            <div class="table-box" tabIndex={0}>
                <table class="table">
                    <caption class="visually-hidden">{title}</caption>
                    <thead>
                        <tr>
                            <th scope="col">Minute</th>
                            {lines.map(({ name }) => (
                                <th key={name} scope="col">
                                    {name}
                                </th>
                            ))}
                        </tr>
                    </thead>
                    <tbody>
                        {times.slice(from).map((time, i) => (
                            <tr key={time}>
                                <th scope="row">{clockTime(time * 1000).slice(0, 5)}</th>
                                {lines.map(({ name, values }) => (
                                    <td key={name}>{told(values[from + i], format)}</td>
                                ))}
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </details>
    );
}

/** `lines`: `{name, colour: a custom property, values}`, a value for each of `times` (seconds). `steps`:
 *  by which the upright axis may be divided. */
export function Chart({ title, times, lines, format = String, steps = WHOLE }) {
    const box = useRef(null);
    const plot = useRef(null);
    const data = [times, ...lines.map(({ values }) => values)];
    const latest = useRef(data);
    latest.current = data;
    const [point, setPoint] = useState(null);

    function draw() {
        plot.current?.destroy();
        const node = box.current;
        plot.current = new uPlot(
            optionsOf(node, node.clientWidth, { lines, format, steps, onPoint: setPoint }),
            latest.current,
            node,
        );
    }
    useEffect(() => {
        draw();
        const observer = new ResizeObserver(([entry]) =>
            plot.current.setSize({ width: entry.contentRect.width, height: HEIGHT }),
        );
        observer.observe(box.current);
        return () => {
            observer.disconnect();
            plot.current.destroy();
        };
    }, []);
    useTheme(draw);
    useEffect(() => plot.current.setData(data), [times, ...lines.map(({ values }) => values)]);

    return (
        <figure class="panel chart">
            <figcaption>
                <h2>{title}</h2>
            </figcaption>
            <div ref={box} class="chart-box" aria-hidden="true" />
            <Legend times={times} lines={lines} format={format} point={point} />
            <Numbers title={title} times={times} lines={lines} format={format} />
        </figure>
    );
}

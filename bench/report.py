"""From measurements to tables. A measurement is {"row", "size", "rounds": [{"floor": …, "ours": …}]} or has an "error"."""

from statistics import median

from rows import ROWS

ROWS_BY_KEY = {row.key: row for row in ROWS}


def number(value):
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(values):
    """Median, and from where to where it went."""
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def ratios(measurement):
    """Ours by the floor of the same round."""
    return [r["ours"]["per_second"] / r["floor"]["per_second"] for r in measurement["rounds"] if r.get("floor")]


def middle(measurement, who, what):
    values = [r[who][what] for r in measurement["rounds"] if r.get(who) and what in r[who]]
    return median(values) if values else None


def growth(small, large):
    """How many times dearer a request is on the large board than it was on the small one in the same round: in time, and in
    the server's CPU time alone."""
    pairs = [(s["ours"], l["ours"]) for s, l in zip(small["rounds"], large["rounds"])]
    time = [s["per_second"] / l["per_second"] for s, l in pairs]
    cpu = [l["cpu_us"] / s["cpu_us"] for s, l in pairs if s["cpu_us"] > 0]
    return time, cpu


def table(head, lines):
    out = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|"]
    out += ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join(out)


def _find(results, key, size):
    for measurement in results["measurements"]:
        if measurement["row"] == key and measurement["size"] == size:
            return measurement
    return None


def _sound(measurement):
    return measurement is not None and "error" not in measurement


def _growth_of(results, key, size):
    """From the smallest size to this one."""
    smallest = results["sizes"][0]
    small, large = _find(results, key, smallest), _find(results, key, size)
    if size == smallest or not _sound(small) or not _sound(large):
        return [], []
    return growth(small, large)


def _with_floor(measurement, what, unit):
    """Ours, and the floor's in brackets."""
    floor, ours = middle(measurement, "floor", what), middle(measurement, "ours", what)
    if ours is None:
        return "–"
    return number(ours / unit) + (f" ({number(floor / unit)})" if floor is not None else "")


def _line(results, measurement):
    row = ROWS_BY_KEY[measurement["row"]]
    size = measurement["size"]
    start = [row.title, f"{size:,}"]
    if "error" in measurement:
        return start + ["**INVALID**"] + ["–"] * 10
    per_request = row.per_request
    floor, ours = middle(measurement, "floor", "per_second"), middle(measurement, "ours", "per_second")
    page = measurement.get("page")
    mb = ours * measurement["body_bytes"] / 1e6 if row.key.startswith(("list", "page")) else None
    written = _with_floor(measurement, "written_bytes", 1024 * per_request) if row.writes else ""
    is_smallest = size == results["sizes"][0]
    grown = ["" if is_smallest else spread(values) for values in _growth_of(results, row.key, size)]
    return start + [
        number(floor and floor * per_request),
        number(ours * per_request),
        spread(ratios(measurement)),
        number(middle(measurement, "ours", "p50_us")),
        number(middle(measurement, "ours", "p99_us")),
        _with_floor(measurement, "cpu_us", per_request),
        written,
        "" if mb is None else number(mb),
        "" if page is None else str(page),
        *grown,
    ]


def main_table(results):
    sizes = results["sizes"]
    head = ["row", "stored", "floor/s", "ours/s", "ratio", "p50 µs", "p99 µs", "CPU µs", "KiB written", "MB/s", "tasks"]
    head += [f"time × {sizes[0]:,}", f"CPU × {sizes[0]:,}"]
    return table(head, [_line(results, one) for one in results["measurements"]])


def boards_table(results):
    mib = lambda kib: number(kib / 1024)  # noqa: E731
    lines = []
    for board in results["boards"]:
        started, reads, writes = board["memory_started"], board["memory_read"], board["memory_written"]
        lines.append([
            f"{board['size']:,}",
            number(median(board["start_ms"])),
            f"{mib(started['RssAnon'])} / {mib(started['VmRSS'])}",
            f"{mib(reads['RssAnon'])} / {mib(reads['VmRSS'])}",
            f"{mib(writes['RssAnon'])} / {mib(writes['VmRSS'])}",
            number(board["disk_bytes"] / 1e6),
            number(board["disk_bytes"] / board["size"]),
            number(board["preload_per_second"]),
        ])
    head = ["stored", "start ms", "after start MiB", "after reads MiB", "after writes MiB", "disk MB", "disk B/task",
            "filled tasks/s"]
    return table(head, lines)


def budgets(results):
    """Every budget that this run can judge, at the size where it is worst."""
    found = []
    sizes = results["sizes"]
    for row in ROWS:
        sound = [m for m in (_find(results, row.key, size) for size in sizes) if _sound(m)]
        if row.floor_ratio_min and sound:
            found.append(_at_least(row.title, "× floor", row.floor_ratio_min, min(median(ratios(m)) for m in sound)))
        if row.per_second_min and sound:
            rate = min(middle(m, "ours", "per_second") for m in sound) * row.per_request
            found.append(_at_least(row.title, "/s", row.per_second_min, rate))
        grown = [
            (median(values), size) for size in sizes for values in _growth_of(results, row.key, size) if values
        ]
        if row.growth_max and grown:
            worst, size = max(grown)
            what = f"{row.title}: cost at {size:,} by cost at {sizes[0]:,}"
            found.append(_at_most(what, "×", row.growth_max, worst))
    for board in results["boards"][-1:]:
        found.append(_at_most(f"start on {board['size']:,} tasks", "ms", 1000, median(board["start_ms"])))
    return found


def _at_least(what, unit, limit, measured):
    return {"what": what, "must": f"≥ {number(limit)} {unit}", "measured": measured, "met": measured >= limit,
            "off": measured / limit - 1}


def _at_most(what, unit, limit, measured):
    return {"what": what, "must": f"≤ {number(limit)} {unit}", "measured": measured, "met": measured <= limit,
            "off": measured / limit - 1}


def budgets_table(results):
    lines = []
    for one in budgets(results):
        verdict = "met" if one["met"] else f"**missed by {abs(one['off']):.0%}**"
        lines.append([one["what"], one["must"], number(one["measured"]), verdict])
    return table(["budget", "must", "measured", ""], lines)


def calibration(results):
    machine, options = results["machine"], results["options"]
    return (
        f"Machine: {machine['cores']} cores, {machine['cpu']}, Linux {machine['kernel']}, data on {machine['filesystem']} "
        f"with {machine['fdatasync_before']:,.0f} fdatasync/s before and {machine['fdatasync_after']:,.0f} after. "
        f"Load: wrk on the same machine, {options['threads']} threads, {options['connections']} connections, "
        f"{options['rounds']} rounds of {options['seconds']} s."
    )


def markdown(results):
    parts = [calibration(results), main_table(results), boards_table(results), budgets_table(results)]
    if results["errors"]:
        parts.append("**Not valid:**\n\n" + "\n".join(f"- {error}" for error in results["errors"]))
    return "\n\n".join(parts) + "\n"

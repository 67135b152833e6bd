"""Prometheus's text format 0.0.4, read more strictly than Prometheus does, and what `promtool check metrics` asks of names.

    families = parse(text)               raises Malformed with the number of the line
    families["x_total"].value(a="1")     the sample with exactly these labels
    lint(families)                       -> list of sentences
"""

import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
ABBREVIATIONS = ("s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d")
OTHER_UNITS = ("milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "bits", "kilobytes", "megabytes", "gigabytes", "percent")


class Malformed(AssertionError):
    """Not the format."""


class Family:
    def __init__(self, name, help_text):
        self.name, self.help, self.type = name, help_text, None
        self.samples = {}  # (name of the sample, its labels as a sorted tuple of pairs) -> number

    def value(self, suffix="", **labels):
        return self.samples[self.name + suffix, tuple(sorted(labels.items()))]

    def total(self, suffix="", **labels):
        """The sum of all samples that have these labels, whatever others they have."""
        wanted = set(labels.items())
        return sum(value for (name, pairs), value in self.samples.items() if name == self.name + suffix and wanted <= set(pairs))

    def labels(self):
        """{label: its values}, without the buckets' ends."""
        found = {}
        for _, pairs in self.samples:
            for label, value in pairs:
                if label != "le":
                    found.setdefault(label, set()).add(value)
        return found

    def sample_names(self):
        suffixes = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}.get(self.type, ("",))
        return [self.name + suffix for suffix in suffixes]


def parse(text):
    families, current = {}, None
    if not text.endswith("\n"):
        raise Malformed("the last line has no end")
    for number, line in enumerate(text[:-1].split("\n"), 1):
        try:
            current = _take_line(families, current, line)
        except Malformed as error:
            raise Malformed(f"line {number}: {error}: {line!r}") from None
    for family in families.values():
        _check_family(family)
    return families


def _take_line(families, current, line):
    if line.startswith("# HELP "):
        name, _, help_text = line[len("# HELP "):].partition(" ")
        if not NAME.fullmatch(name) or name in families:
            raise Malformed("no name, or one that was there before")
        if re.sub(r"\\[\\n]", "", help_text).count("\\"):
            raise Malformed("an escape that is none")
        families[name] = Family(name, help_text)
        return families[name]
    if line.startswith("# TYPE "):
        name, _, kind = line[len("# TYPE "):].partition(" ")
        if current is None or current.name != name or current.type or current.samples or kind not in TYPES:
            raise Malformed("a type that does not follow its HELP, or is none")
        current.type = kind
        return current
    if current is None or current.type is None:
        raise Malformed("a sample without HELP and TYPE in front")
    _take_sample(current, line)
    return current


def _take_sample(family, line):
    match = NAME.match(line)
    if not match or match.group() not in family.sample_names():
        raise Malformed(f"a sample that is not of {family.name}")
    name, rest, labels = match.group(), line[match.end():], []
    if rest.startswith("{"):
        rest = "," + rest[1:]
        while rest.startswith(","):
            label = LABEL.match(rest, 1)
            if not label:
                raise Malformed("a broken label")
            labels.append((label.group(1), re.sub(r"\\.", lambda escape: ESCAPES[escape.group()], label.group(2))))
            rest = rest[label.end():]
        if not rest.startswith("}"):
            raise Malformed("labels without an end")
        rest = rest[1:]
    if not rest.startswith(" ") or not NUMBER.fullmatch(rest[1:]):
        raise Malformed("no number")
    key = name, tuple(sorted(labels))
    if len({label for label, _ in labels}) != len(labels) or key in family.samples:
        raise Malformed("the same label, or the same sample, twice")
    family.samples[key] = float(rest[1:].replace("Inf", "inf"))


def _check_family(family):
    if family.type is None:
        raise Malformed(f"{family.name} has no type")
    if family.type == "counter" and any(value < 0 or math.isnan(value) for value in family.samples.values()):
        raise Malformed(f"{family.name} counts less than nothing")
    if family.type == "histogram":
        _check_histogram(family)


def _check_histogram(family):
    series = {}
    for (name, labels), value in family.samples.items():
        others = tuple(pair for pair in labels if pair[0] != "le")
        parts = series.setdefault(others, {"buckets": []})
        if name.endswith("_bucket"):
            parts["buckets"].append((float(dict(labels)["le"].replace("Inf", "inf")), value))
        else:
            parts[name[len(family.name):]] = value
    for others, parts in series.items():
        ends = [end for end, _ in parts["buckets"]]
        counts = [count for _, count in parts["buckets"]]
        sound = (ends and ends[-1] == math.inf and ends == sorted(set(ends)) and counts == sorted(counts)
                 and counts[-1] == parts.get("_count") and "_sum" in parts)
        if not sound:
            raise Malformed(f"{family.name}{dict(others)} is no histogram: {parts}")


def lint(families):
    return [f"{name}: {problem}" for name, family in families.items() for problem in _lint_family(name, family)]


def _lint_family(name, family):
    words = name.split("_")
    if not family.help.strip():
        yield "no help text"
    if family.type == "counter" and words[-1] != "total":
        yield 'a counter should end in "_total"'
    if family.type != "counter" and words[-1] == "total":
        yield 'only a counter should end in "_total"'
    if words[-1] in ("count", "sum", "bucket"):
        yield f'"_{words[-1]}" is a histogram\'s own'
    if family.type in words[1:]:
        yield "the type should not stand in the name"
    if ":" in name or name != name.lower():
        yield "neither colons nor capitals"
    if set(words) & set(ABBREVIATIONS + OTHER_UNITS):
        yield "the unit should be a base unit, spelled out"
    for label in family.labels():
        if label != label.lower() or label in ("quantile", "job", "instance"):
            yield f"the label {label} is not to be used"

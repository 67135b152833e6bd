"""The reader of Prometheus's text format catches what is planted."""

import pytest

from tools.prometheus_text import Malformed, lint, parse

HEAD = "# HELP x_total How many.\n# TYPE x_total counter\n"
HISTOGRAM = "# HELP h How long.\n# TYPE h histogram\n"


def test_it_reads_values_by_their_labels():
    families = parse(HEAD + 'x_total{a="1",b="\\\\\\"\\n"} 2\nx_total{a="2"} 3.5\n')
    assert families["x_total"].value(a="1", b='\\"\n') == 2 and families["x_total"].value(a="2") == 3.5
    assert families["x_total"].total() == 5.5 and families["x_total"].total(a="1") == 2
    assert families["x_total"].labels() == {"a": {"1", "2"}, "b": {'\\"\n'}}
    assert not lint(families)


@pytest.mark.parametrize("text", [
    HEAD + "x_total 1",  # no end of line
    "x_total 1\n",
    "# TYPE x_total counter\nx_total 1\n",
    "# HELP x_total How many.\nx_total 1\n",
    HEAD + "x_total 1\nx_total 2\n",
    HEAD + 'x_total{a="1",a="2"} 1\n',
    HEAD + 'x_total{a="1"b="2"} 1\n',
    HEAD + 'x_total{a="1" 1\n',
    HEAD + "x_total{a=1} 1\n",
    HEAD + 'x_total{a="\\x"} 1\n',
    HEAD + "x_total one\n",
    HEAD + "x_total  1\n",
    HEAD + "x_total -1\n",
    HEAD + "\nx_total 1\n",
    HEAD + "y_total 1\n",
    HEAD + "x_total 1\n# HELP y B.\n# TYPE y gauge\ny 1\n" + HEAD + 'x_total{a="2"} 1\n',
    "# HELP x a\\b\n# TYPE x gauge\nx 1\n",
    HISTOGRAM + 'h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',  # fewer in the larger one
    HISTOGRAM + 'h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
    HISTOGRAM + 'h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 1\n',
    HISTOGRAM + 'h_bucket{le="2"} 1\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    HISTOGRAM + 'h_bucket{le="+Inf"} 1\nh_count 1\n',
])
def test_what_is_not_the_format_is_refused(text):
    with pytest.raises(Malformed):
        parse(text)


@pytest.mark.parametrize("name,kind", [
    ("x", "counter"), ("x_total", "gauge"), ("x_count", "gauge"), ("x_gauge", "gauge"), ("x_ms", "gauge"),
    ("x_milliseconds", "gauge"), ("xY", "gauge"), ("x:y", "gauge"),
])
def test_names_that_mislead_are_told(name, kind):
    assert lint(parse(f"# HELP {name} A.\n# TYPE {name} {kind}\n{name} 1\n"))

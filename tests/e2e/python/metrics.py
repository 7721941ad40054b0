"""Reads the metrics of a running host with Prometheus' own parser, and checks alerts and dashboard against them.

metrics.py URL ALERTS.yml DASHBOARD.json
"""

import json
import re
import sys
import urllib.request

import promql_parser
import yaml
from prometheus_client.parser import text_string_to_metric_families

# What Prometheus adds to every sample.
ADDED = {"instance", "job"}
SEVERITIES = {"warning", "critical"}


def complain(text):
    sys.exit(text)


def families_of(url):
    with urllib.request.urlopen(url) as response:
        kind = response.headers["Content-Type"]
        text = response.read().decode()
    if kind != "text/plain; version=0.0.4; charset=utf-8":
        complain(f"Content-Type {kind!r}")
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    if len(names) != len(set(names)):
        complain("a family stands twice")
    for family in families:
        check_family(family)
    return text, families


def check_family(family):
    if family.type not in ("counter", "gauge", "histogram"):
        complain(f"{family.name} is a {family.type}")
    if not family.documentation.endswith("."):
        complain(f"{family.name} says {family.documentation!r}")
    seen = set()
    for sample in family.samples:
        key = (sample.name, tuple(sorted(sample.labels.items())))
        if key in seen:
            complain(f"{key} stands twice")
        seen.add(key)
    if family.type == "histogram":
        check_histogram(family)


def check_histogram(family):
    series = {}
    for sample in family.samples:
        labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
        one = series.setdefault(labels, {"buckets": []})
        if sample.name.endswith("_bucket"):
            one["buckets"].append((float(sample.labels["le"]), sample.value))
        else:
            one[sample.name.rsplit("_", 1)[1]] = sample.value
    for labels, one in series.items():
        buckets = one["buckets"]
        if buckets != sorted(buckets) or [c for _, c in buckets] != sorted(c for _, c in buckets):
            complain(f"{family.name} {labels}: buckets do not rise")
        if buckets[-1] != (float("inf"), one["count"]):
            complain(f"{family.name} {labels}: the last bucket is not the count")


def known_series(families):
    """The labels of each name that an expression may use."""
    known = {}
    for family in families:
        names = {
            "counter": [family.name + "_total"],
            "gauge": [family.name],
            "histogram": [family.name + end for end in ("_bucket", "_sum", "_count")],
        }[family.type]
        for name in names:
            known.setdefault(name, set())
        for sample in family.samples:
            known.setdefault(sample.name, set()).update(sample.labels)
    return known


def walk(node):
    if isinstance(node, promql_parser.Expr):
        yield node
        for name in dir(node):
            if not name.startswith("_") and not callable(getattr(node, name)):
                child = getattr(node, name)
                for one in child if isinstance(child, list) else [child]:
                    yield from walk(one)


def check_expression(where, text, known):
    text = text.replace("$__rate_interval", "5m")
    try:
        tree = promql_parser.parse(text)
    except ValueError as error:
        complain(f"{where}: {text}: {error}")
    selectors = [node for node in walk(tree) if isinstance(node, promql_parser.VectorSelector)]
    if not selectors:
        complain(f"{where}: {text} names no metric")
    labels = set(ADDED)
    for selector in selectors:
        if selector.name not in known:
            complain(f"{where}: there is no metric {selector.name}")
        own = known[selector.name]
        # A cause has a sample once it has happened.
        labels |= own or {"cause"}
    for group in re.findall(r"\b(?:by|on|ignoring)\s*\(([^)]*)\)", text):
        for label in filter(None, (label.strip() for label in group.split(","))):
            if label not in labels:
                complain(f"{where}: {text}: no sample has the label {label}")


def alerts_of(path):
    with open(path) as file:
        groups = yaml.safe_load(file)["groups"]
    names = []
    for rule in (rule for group in groups for rule in group["rules"]):
        name = rule["alert"]
        names.append(name)
        if not set(rule) <= {"alert", "expr", "for", "labels", "annotations"}:
            complain(f"{name}: {sorted(rule)}")
        if not re.fullmatch(r"[1-9][0-9]*[smh]", rule.get("for", "1m")):
            complain(f"{name}: for {rule['for']}")
        if rule["labels"].get("severity") not in SEVERITIES:
            complain(f"{name}: severity {rule['labels']}")
        if set(rule["annotations"]) != {"summary", "description"}:
            complain(f"{name}: annotations {sorted(rule['annotations'])}")
        yield f"alert {name}", rule["expr"]
    if len(names) != len(set(names)):
        complain("an alert stands twice")


def panels_of(path):
    with open(path) as file:
        board = json.load(file)
    ids = [panel["id"] for panel in board["panels"]]
    if len(ids) != len(set(ids)):
        complain("two panels have one id")
    taken = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        if at["x"] + at["w"] > 24 or taken & cells:
            complain(f"panel {panel['title']} lies over the edge or another one")
        taken |= cells
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for annotation in board["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            metric = re.fullmatch(r"label_values\((\w+), \w+\)", variable["definition"])
            yield f"variable {variable['name']}", metric[1]


def main():
    url, alerts, dashboard = sys.argv[1:]
    text, families = families_of(url)
    known = known_series(families)
    expressions = [*alerts_of(alerts), *panels_of(dashboard)]
    for where, expression in expressions:
        check_expression(where, expression, known)
    print(json.dumps({"text": text, "expressions": len(expressions)}))


main()

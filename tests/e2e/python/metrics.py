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
    """The labels of each name that an expression may use, with the values that they have."""
    known = {}
    for family in families:
        names = {
            "counter": [family.name + "_total"],
            "gauge": [family.name],
            "histogram": [family.name + end for end in ("_bucket", "_sum", "_count")],
        }[family.type]
        for name in names:
            known.setdefault(name, {})
        for sample in family.samples:
            for label, value in sample.labels.items():
                known.setdefault(sample.name, {}).setdefault(label, set()).add(value)
    return known


def selected(where, selector, known):
    """The labels of a selector, each of whose matchers has something to match."""
    if selector.name not in known:
        complain(f"{where}: there is no metric {selector.name}")
    own = known[selector.name]
    for matcher in selector.matchers.matchers:
        name, value = matcher.name, matcher.value
        if name in ADDED:
            continue
        is_pattern = matcher.op in (promql_parser.MatchOp.Re, promql_parser.MatchOp.NotRe)
        fits = re.compile(value if is_pattern else re.escape(value)).fullmatch
        if not any(fits(live) for live in own.get(name, ())):
            complain(f"{where}: no sample of {selector.name} has {name} {value!r}")
    return set(own) | ADDED


def aggregated(where, node, known):
    labels = labels_of(where, node.expr, known)
    if str(node.op) in ("topk", "bottomk"):
        return labels
    if node.modifier is None:
        return set()
    named = set(node.modifier.labels)
    if not named <= labels:
        complain(f"{where}: no sample has {sorted(named - labels)} in {node.prettify()}")
    return named if node.modifier.type == promql_parser.AggModifierType.By else labels - named


def combined(where, node, known):
    left, right = labels_of(where, node.lhs, known), labels_of(where, node.rhs, known)
    if node.modifier is None or node.modifier.matching is None:
        return left or right
    matching, card = node.modifier.matching, node.modifier.card
    named = set(matching.labels)
    if not named <= left | right:
        complain(f"{where}: no sample has {sorted(named - left - right)} in {node.prettify()}")
    if card == promql_parser.VectorMatchCardinality.OneToOne:
        return named if matching.type == promql_parser.LabelModifierType.Include else left - named
    many = right if card == promql_parser.VectorMatchCardinality.OneToMany else left
    return many | set(node.modifier.group_labels or ())


def called(where, node, known):
    labels = set().union(*(labels_of(where, argument, known) for argument in node.args))
    if node.func.name != "histogram_quantile":
        return labels
    if "le" not in labels:
        complain(f"{where}: {node.prettify()} has no buckets")
    return labels - {"le"}


def labels_of(where, node, known):
    """The labels of what an expression gives; all that it names must be there."""
    match node:
        case promql_parser.VectorSelector():
            return selected(where, node, known)
        case promql_parser.MatrixSelector():
            return selected(where, node.vector_selector, known)
        case promql_parser.AggregateExpr():
            return aggregated(where, node, known)
        case promql_parser.BinaryExpr():
            return combined(where, node, known)
        case promql_parser.Call():
            return called(where, node, known)
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr() | promql_parser.SubqueryExpr():
            return labels_of(where, node.expr, known)
        case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
            return set()
    complain(f"{where}: {type(node).__name__} is not known here")


def check_expression(where, text, known, words):
    """`words` are shown with it, and may name labels that it has."""
    try:
        tree = promql_parser.parse(text.replace("$__rate_interval", "5m"))
    except ValueError as error:
        complain(f"{where}: {text}: {error}")
    if not re.search(r"\b(wasmhost|process)_", text):
        complain(f"{where}: {text} names no metric")
    labels = labels_of(where, tree, known)
    for label in re.findall(r"{{\s*(?:\$labels\.)?(\w+)\s*}}", words):
        if label not in labels:
            complain(f"{where}: {words!r}: {text} has no label {label}")


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
        yield f"alert {name}", rule["expr"], " ".join(rule["annotations"].values())
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
            yield f"panel {panel['title']}", target["expr"], target["legendFormat"]
    for annotation in board["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation["expr"], annotation["titleFormat"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            if variable["query"]["query"] != variable["definition"]:
                complain(f"variable {variable['name']} says two things")
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"]).groups()
            yield f"variable {variable['name']}", metric, f"{{{{{label}}}}}"


def main():
    url, alerts, dashboard = sys.argv[1:]
    text, families = families_of(url)
    known = known_series(families)
    expressions = [*alerts_of(alerts), *panels_of(dashboard)]
    for where, expression, words in expressions:
        check_expression(where, expression, known, words)
    print(json.dumps({"text": text, "expressions": len(expressions)}))


main()

"""The SDK over operators of the tests, without Wasm: `python3 -m unittest discover guest-sdk/python/tests`."""

import importlib.util
import json
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))

from wasmhost import I64, I128, JSON, Description, Fatal, Reject, Retry  # noqa: E402
from wasmhost.testing import Input, Runner, run, types  # noqa: E402


def app(**parts):
    return SimpleNamespace(DESCRIPTION=Description(name="test"), **parts)


class Transforms(unittest.TestCase):
    def test_rows_have_their_record_s_timestamp_or_their_own(self):
        def transform(record, out):
            out.emit("k", record.value)
            out.emit(None, 5, timestamp=7, headers=[("h", None), ("h", "x")])

        rows = Runner(app(transform=transform)).transform([Input(b"v", timestamp=3)])
        self.assertEqual(rows, [(b"k", b"v", 3, []), (None, b"5", 7, [("h", None), ("h", b"x")])])

    def test_a_refused_record_takes_its_rows_back(self):
        def transform(record, out):
            out.emit(None, record.value, headers=[("h", b"1")])
            out.emit(b"n", str(int(record.text())))

        runner = Runner(app(transform=transform))
        rows = runner.transform(["1", "x", None, "2", b"\xff"])
        self.assertEqual([row[1] for row in rows], [b"1", b"1", b"2", b"2"])
        self.assertEqual([offset for offset, _ in runner.rejected], [1, 2, 4])
        self.assertEqual([reason for _, reason in runner.rejected][1:], ["the value is null", "the value is not UTF-8"])

    def test_records_are_forwarded_as_they_are(self):
        record = Input(None, b"", 9, (("a", b"1"), ("b", None)))
        rows = Runner(app(transform=lambda record, out: out.forward(record)), batch=1).transform([record, Input(b"x")])
        self.assertEqual(rows, [(b"", None, 9, [("a", b"1"), ("b", None)]), (None, b"x", 0, [])])

    def test_a_missing_field_is_told_by_its_name(self):
        runner = Runner(app(transform=lambda record, out: out.emit(None, record.json()["price"])))
        runner.transform(['{"price":3}', "{}", "no json"])
        self.assertEqual(runner.rejected[0], (1, "there is no 'price'"))
        self.assertIn("the value is not JSON", runner.rejected[1][1])


class Reduces(unittest.TestCase):
    def test_a_refused_value_leaves_the_accumulator_as_it_was(self):
        def fold(items, value):
            items = items if items is not None else []
            items.append(value.text())
            if value.text() == "bad":
                raise Reject("bad")
            return items

        for batch in (1, 2, 100):
            runner = Runner(app(fold=fold, ACCUMULATOR=JSON), batch=batch)
            runner.reduce([(b"k", value) for value in (b"a", b"bad", b"b", b"bad", b"c")])
            self.assertEqual(runner.state, {b"k": b'["a","b","c"]'})
            self.assertEqual(len(runner.rejected), 2)

    def test_every_value_has_its_accumulator_when_it_is_asked_for(self):
        runner = Runner(app(fold=lambda total, value: (total or 0) + 1, ACCUMULATOR=I64))
        column = sys.modules["wasmhost.testing"].column
        groups = SimpleNamespace(
            keys=column([b"a"]), accumulators=column([None]), ends=[2], values=column([b"", b""]), timestamps=[0, 0]
        )
        answer, bad = run.reduce(runner.app, types, groups, True)
        self.assertEqual((len(answer.data), bad), (16, []))

    def test_a_none_deletes_the_key_and_makes_a_tombstone(self):
        operator = app(fold=lambda a, value: value.data or None, finish=lambda key, a: a)
        runner = Runner(operator)
        runner.reduce([(b"k", b"x"), (b"k", b"")])
        self.assertEqual((runner.state, runner.finish()), ({}, {b"k": None}))

    def test_an_accumulator_of_another_kind_stops_the_application(self):
        runner = Runner(app(fold=lambda a, value: a, ACCUMULATOR=I128))
        runner.state[b"k"] = b"short"
        with self.assertRaisesRegex(Fatal, r'key "k" \(5 bytes\) is not one'):
            runner.reduce([(b"k", b"x")])


class Processes(unittest.TestCase):
    def test_a_process_makes_rows_and_state_and_takes_back_what_it_refuses(self):
        def process(counts, value, out):
            # Numbers the values of a key and writes each with its number.
            counts = counts or [0]
            counts[0] += 1
            text = value.text()
            late = {"timestamp": value.timestamp + 1000, "headers": [("late", None)]} if text == "late" else {}
            out.emit(value.key, counts[0], **late)
            if text == "twice":
                out.emit("all", text)
            if text == "bad":
                raise Reject("bad")
            return None if text == "delete" else counts

        for batch in (1, 2, 100):
            runner = Runner(app(process=process, ACCUMULATOR=JSON), batch=batch)
            runner.state[b"k"] = b"[2]"
            rows = runner.process([(b"k", value, 5) for value in (b"bad", b"twice", b"bad", b"late")] + [(b"k", None)])
            late = (b"k", b"4", 1005, [("late", None)])
            self.assertEqual(rows, [(b"k", b"3", 5, []), (b"all", b"twice", 5, []), late])
            self.assertEqual(runner.state, {b"k": b"[4]"})
            self.assertEqual(runner.rejected, [(-1, "bad"), (-1, "bad")])
            self.assertEqual(runner.process([(b"k", b"delete")]), [(b"k", b"5", 0, [])])
            self.assertEqual(runner.state, {})


class Calls(unittest.TestCase):
    def test_failures_are_those_of_the_contract(self):
        failures = SimpleNamespace(Failure_Retry=lambda text: ("retry", text), Failure_Fatal=lambda text: ("fatal", text))
        self.assertEqual(run.failure(failures, Retry("later")), ("retry", "later"))
        self.assertEqual(run.failure(failures, Fatal("stop")), ("fatal", "stop"))
        self.assertIsNone(run.failure(failures, TypeError("a bug")))

    def test_settings_that_there_are_none_of_stop_the_start(self):
        with self.assertRaisesRegex(ValueError, "unknown setting `x`: there are none"):
            Runner(app(), {"x": "1"})
        with self.assertRaisesRegex(ValueError, "setting `x` has the value `1.5`: it is no whole number"):
            Runner(app(configure=lambda settings: settings.number("x", 7) and None), {"x": "1.5"})

    def test_numbers_wrap_or_are_refused_outside_their_range(self):
        self.assertEqual(I64.wrap(1 << 63), -(1 << 63))
        with self.assertRaisesRegex(Reject, "does not fit 64 bits"):
            I64.encode(1 << 63)


def example_app(name: str):
    """The operator of an example; each is a module `app`."""
    path = Path(__file__).parents[3] / "examples" / name
    spec = importlib.util.spec_from_file_location(f"{name}_app", path / "python" / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return path, module


class Sum(unittest.TestCase):
    def test_the_example_gives_its_sums_however_it_is_cut(self):
        example, operator = example_app("sum")
        lines = (example / "input.txt").read_bytes().splitlines()
        for batch in (1, 7, 1_000):
            runner = Runner(operator, batch=batch)
            runner.run(lines)
            found = b"".join(key + b"\t" + value + b"\n" for key, value in sorted(runner.finish().items()))
            self.assertEqual(found, (example / "expected.txt").read_bytes())
            self.assertEqual(len(runner.rejected), 12)
        self.assertEqual(runner.merge(I128.encode(2), I128.encode(-5)), I128.encode(-3))


class Sessions(unittest.TestCase):
    def test_the_sessions_are_those_of_the_example_however_they_are_cut(self):
        example, operator = example_app("sessions")
        records = [json.loads(line) for line in (example / "input.jsonl").read_text().splitlines()]
        expected = [json.loads(line) for line in (example / "expected.jsonl").read_text().splitlines()]
        for batch in (1, 3, 1_000):
            runner = Runner(operator, {"gap_ms": "60000"}, batch=batch)
            rows = runner.process([(r["key"].encode(), r["value"].encode(), r["timestamp"]) for r in records])
            found = [
                {"key": key.decode(), "value": json.loads(value), "timestamp": at, "headers": {name: how.decode()}}
                for key, value, at, [(name, how)] in rows
            ]
            self.assertCountEqual(found, expected)
            self.assertEqual(len(runner.rejected), 1)


if __name__ == "__main__":
    unittest.main()

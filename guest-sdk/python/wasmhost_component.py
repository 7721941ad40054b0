"""The component around an operator `app.py`: what `host build` makes a module of. Needs the generated bindings, so
nothing else may import it."""

import app
from componentize_py_types import Err
from wit_world.exports import module
from wit_world.imports import log as host_log
from wit_world.imports import types

from wasmhost import log, run


def _write(level: str, text: str) -> None:
    host_log.write(host_log.Level[level.upper()], text)


log.write = _write


def _call(function, *arguments):
    try:
        return function(app, types, *arguments)
    except Exception as error:
        failure = run.failure(types, error)
        if failure is None:
            log.error(f"{type(error).__name__}: {error}")
            raise
        raise Err(failure) from None


class Module:
    """`module`."""

    def configure(self, settings):
        error = run.configure(app, settings)
        if error is not None:
            raise Err(error)

    def describe(self):
        said = app.DESCRIPTION
        return module.Description(
            said.name, said.version, said.preserves_key, said.state_schema, said.row_schema
        )


class Transformer:
    """`transformer`."""

    def transform(self, read_at, rows):
        from wit_world.exports.transformer import Transformed

        rows, source, bad = _call(run.transform, read_at, rows)
        return Transformed(rows, source, b"", bad)


class Reducer:
    """`reducer`."""

    def reduce(self, groups, every):
        from wit_world.exports.reducer import Reduced

        return Reduced(*_call(run.reduce, groups, every))


class Processor:
    """`processor`."""

    def process(self, groups):
        from wit_world.exports.processor import Processed

        return Processed(*_call(run.process, groups))


class Finisher:
    """`finisher`."""

    def finish(self, keys, accumulators):
        return _call(run.finish, keys, accumulators)


class Merger:
    """`merger`."""

    def merge(self, left, right):
        return _call(run.merge, left, right)

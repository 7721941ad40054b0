"""Reads requests of OpenTelemetry with the messages that OpenTelemetry publishes, and prints what is in them, as JSON.

spans.py FOLDER: each file in it is the body of one request, named by its number.
"""

import json
import sys
from pathlib import Path

from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status


def check_known(message):
    """A field that the message does not have, or that is of another type there, is kept as unknown."""
    unknown = [field.field_number for field in UnknownFieldSet(message)]
    if unknown:
        sys.exit(f"{message.DESCRIPTOR.full_name} has no fields {unknown}")
    for field, value in message.ListFields():
        if field.message_type:
            for one in value if field.is_repeated else [value]:
                check_known(one)


def attributes(pairs):
    return [[pair.key, str(getattr(pair.value, pair.value.WhichOneof("value")))] for pair in pairs]


def traceparent(one):
    if (len(one.trace_id), len(one.span_id)) != (16, 8):
        sys.exit(f"ids of {len(one.trace_id)} and {len(one.span_id)} bytes")
    return f"00-{one.trace_id.hex()}-{one.span_id.hex()}-01"


def link(one):
    return {"traceparent": traceparent(one), "attributes": attributes(one.attributes)}


def span(one):
    return {
        "traceparent": traceparent(one),
        "name": one.name,
        "kind": one.kind,
        "start_ns": one.start_time_unix_nano,
        "end_ns": one.end_time_unix_nano,
        "attributes": attributes(one.attributes),
        "links": [link(other) for other in one.links],
        "links_dropped": one.dropped_links_count,
        "error": one.status.message if one.status.code == Status.STATUS_CODE_ERROR else None,
    }


def request(body):
    message = ExportTraceServiceRequest.FromString(body)
    check_known(message)
    (resource_spans,) = message.resource_spans
    (scope_spans,) = resource_spans.scope_spans
    return {
        "resource": attributes(resource_spans.resource.attributes),
        "spans": [span(one) for one in scope_spans.spans],
    }


def main():
    (folder,) = sys.argv[1:]
    bodies = sorted(Path(folder).iterdir(), key=lambda path: int(path.name))
    print(json.dumps([request(body.read_bytes()) for body in bodies]))


main()

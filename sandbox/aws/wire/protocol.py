"""The dialects of AWS's services, out of the models that botocore ships: which operation, its parameters, its answer.

Query (a form in, XML out) is complete in both directions; of the JSON and REST dialects only what tells operations apart
and how they fail, as their operations are few and read their own bodies.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, ServiceModel, Shape

from sandbox.aws import vendor
from sandbox.aws.wire.call import Answer, Failure
from sandbox.fields import Json
from sandbox.http import Reply, Request
from sandbox.kind import Request as Operation

_SERVICES = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "s3-object-lambda": "s3",
    "s3express": "s3",
}
"""Services that sign under another name than botocore keeps their model under."""
_JSON = "application/x-amz-json-1.1"


def model_of(signing_name: str) -> ServiceModel | None:
    """The model of a service; None where there is no such service."""
    try:
        return vendor.service(_SERVICES.get(signing_name, signing_name))
    except UnknownServiceError:
        return None


def operation_of(model: ServiceModel, request: Request) -> str:
    """The operation that a request asks for. Raises Failure."""
    name = ""
    if target := request.headers.get("x-amz-target"):
        name = target.rsplit(".", 1)[-1]
    elif model.protocol in ("query", "ec2"):
        name = dict(parse_qsl(request.body.decode())).get("Action", "")
    else:
        name = _routed(model, request)
    if name not in model.operation_names:
        raise Failure(400, "InvalidAction", f"Could not find operation {name or request.path}")
    return name


def parameters(model: ServiceModel, operation: str, request: Request) -> Json:
    """The parameters of an operation in the query dialect, checked against its model. Raises Refusal."""
    form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    shape = model.operation_model(operation).input_shape
    read: Json = _read(shape, form, "") or {}
    vendor.check(Operation(f"{model.service_name}.{operation}", read))
    return read


def answered(model: ServiceModel, operation: str, answer: Answer, request_id: str) -> Reply:
    """An answer in the dialect of its service."""
    if answer.body is not None:
        return Reply(answer.status, answer.body, answer.headers, action=operation)
    if model.protocol != "query":
        return Reply(answer.status, json.dumps(answer.members).encode(), answer.headers, _JSON, operation)  # fmt: skip
    described: OperationModel = model.operation_model(operation)
    result = ""
    if described.output_shape is not None:
        wrapper = described.output_shape.serialization["resultWrapper"]
        result = f"<{wrapper}>{_written(described.output_shape, answer.members)}</{wrapper}>"
    text = (
        f'<{operation}Response xmlns="{model.metadata["xmlNamespace"]}">{result}<ResponseMetadata><RequestId>'
        f"{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
    return Reply(answer.status, text.encode(), answer.headers, "text/xml", operation)


def failed(model: ServiceModel | None, operation: str, failure: Failure, request_id: str) -> Reply:
    """A failure in the dialect of its service."""
    status, code, message = failure.status, failure.code, failure.message
    dialect = model.protocol if model else "query"
    headers = {"x-amzn-RequestId": request_id, **failure.headers}
    if dialect in ("json", "rest-json"):
        code = f"{code}Exception" if code == "AccessDenied" else code
        body = json.dumps({"__type": code, "message": message}).encode()
        return Reply(status, body, headers | {"x-amzn-ErrorType": code}, _JSON, operation)
    inner = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if dialect == "rest-xml":
        text = f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
    elif dialect == "ec2":
        text = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    else:
        space = model.metadata["xmlNamespace"] if model else ""
        kind = "Sender" if status < 500 else "Receiver"
        text = (
            f'<ErrorResponse xmlns="{space}"><Error><Type>{kind}</Type>{inner}</Error>'
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return Reply(status, text.encode(), headers, "text/xml", operation)


def _routed(model: ServiceModel, request: Request) -> str:
    """By method and path and what must be there; among several the one that demands most."""
    path = request.target.partition("?")[0]
    given = request.query.keys() | request.headers.keys()
    fitting = [
        (len(needed), -len(name), name)
        for method, pattern, needed, name in _paths(model)
        if method == request.method and pattern.fullmatch(path) and needed <= given
    ]
    return max(fitting)[-1] if fitting else ""


@cache
def _paths(model: ServiceModel) -> list[tuple[str, re.Pattern[str], frozenset[str], str]]:
    """Method, path, needed names in query or header, and operation."""
    found = []
    for name in model.operation_names:
        described: OperationModel = model.operation_model(name)
        path, _, query = described.http["requestUri"].partition("?")
        parts = re.split(r"(\{[^}]+\})", path)
        pattern = "".join(
            (".+" if part.endswith("+}") else "[^/]+") if part.startswith("{") else re.escape(part)
            for part in parts
        )
        needed = {word.partition("=")[0] for word in query.split("&") if word}
        if described.input_shape is not None:
            inner = [
                described.input_shape.members[m] for m in described.input_shape.required_members
            ]
            needed |= {
                shape.serialization["name"].lower()
                if shape.serialization["location"] == "header"
                else shape.serialization["name"]
                for shape in inner
                if shape.serialization.get("location") in ("header", "querystring")
            }
        method = described.http["method"]
        found.append((method, re.compile(f"{pattern}/?"), frozenset(needed), name))
    return found


def _read(shape: Shape, form: dict[str, str], at: str) -> Any:
    """The value of a shape at a place of the form, None where there is none."""
    if shape.type_name == "structure":
        members = {
            name: _read(inner, form, f"{at}.{name}" if at else name)
            for name, inner in shape.members.items()
        }
        return {name: value for name, value in members.items() if value is not None} or None
    if shape.type_name == "list":
        values: list[Any] = []
        while (value := _read(shape.member, form, f"{at}.member.{len(values) + 1}")) is not None:
            values.append(value)
        return values or None
    text = form.get(at)
    if text is None:
        return None
    return _scalar(shape.type_name, text)


def _scalar(kind: str, text: str) -> Any:
    if kind == "boolean":
        return text == "true"
    if kind in ("integer", "long"):
        return int(text) if re.fullmatch(r"-?\d+", text) else text
    return text


def _written(shape: Shape, value: Any) -> str:
    if shape.type_name == "structure":
        return "".join(
            f"<{name}>{_written(inner, value[name])}</{name}>"
            for name, inner in shape.members.items()
            if value.get(name) is not None
        )
    if shape.type_name == "list":
        return "".join(f"<member>{_written(shape.member, item)}</member>" for item in value)
    return escape(str(value).lower() if isinstance(value, bool) else str(value))

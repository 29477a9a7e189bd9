"""The provider face: answers the Pulumi engine's provider protocol for one package name out of the world.

Raw servicer of the protocol: the SDK's own provider base cannot compare old inputs with new ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
)

from sandbox import faults
from sandbox.assets import comparable
from sandbox.clouds import account_of, name_account
from sandbox.fields import UNKNOWN, Json
from sandbox.kind import CREATE, UPDATE, Context, Kind
from sandbox.refusal import Refusal, Unmapped
from sandbox.unreviewed import Unreviewed
from sandbox.world import World

_T = TypeVar("_T")
DEFAULTED = "__defaults"
_META = {DEFAULTED, "__meta"}


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One emulated provider: `package` is the Pulumi package, `kinds` its reviewed rows."""

    def __init__(self, package: str, cloud: str, kinds: tuple[Kind, ...], world: World) -> None:
        self._package = package
        self._cloud = cloud
        self._kinds: Mapping[str, Kind] = {kind.token: kind for kind in kinds}
        self._world = world
        self._variables: dict[str, str] = {}
        self._engine: engine_pb2_grpc.EngineStub | None = None

    # -- life cycle -------------------------------------------------------------------------------------------

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=version(f"pulumi-{self._package}"))

    def Attach(self, request: plugin_pb2.PluginAttach, context: Any) -> empty_pb2.Empty:
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(request.address))
        return empty_pb2.Empty()

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Any
    ) -> provider_pb2.ConfigureResponse:
        self._variables = {
            name.rsplit(":", 1)[-1]: value for name, value in request.variables.items()
        }
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, acceptResources=False, supportsPreview=True, acceptOutputs=False
        )

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    # -- one resource -----------------------------------------------------------------------------------------

    def Check(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:
        kind = self._kind(request.urn)
        olds, news = _plain(request.olds), _plain(request.news)
        try:
            kind.body({k: v for k, v in news.items() if k not in _META})
        except Unmapped as error:
            return provider_pb2.CheckResponse(
                inputs=_struct(news),
                failures=[
                    provider_pb2.CheckFailure(
                        property=str(error),
                        reason=f"the emulated {self._cloud} has no reviewed mapping for {kind.token}.{error}; "
                        f"add it to the type's row in sandbox/{self._cloud}/",
                    )
                ],
            )
        filled = _defaults(kind, request.urn, olds, news, random.Random(request.randomSeed))
        if isinstance(kind, Unreviewed):
            self._warn(request.urn, f"{kind.token} has no reviewed row: stored as it is")
        return provider_pb2.CheckResponse(inputs=_struct(filled))

    def Diff(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        kind = self._kind(request.urn)
        olds, news = _plain(request.old_inputs or request.olds), _plain(request.news)
        ignored = {path.split(".")[0].split("[")[0] for path in request.ignoreChanges}
        names = sorted((olds.keys() | news.keys()) - _META - ignored)
        changed = [n for n in names if comparable(olds.get(n)) != comparable(news.get(n))]
        replaces = [name for name in changed if name in kind.replace_on]
        detail = {name: _property_diff(name, olds, news, name in replaces) for name in changed}
        auto = kind.autoname
        by_program = auto and auto.field in news and auto.field not in news.get(DEFAULTED, [])
        return provider_pb2.DiffResponse(
            changes=(
                provider_pb2.DiffResponse.DIFF_SOME
                if changed
                else provider_pb2.DiffResponse.DIFF_NONE
            ),
            diffs=changed,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces and by_program),
            detailedDiff=detail,
            hasDetailedDiff=True,
        )

    def Create(
        self, request: provider_pb2.CreateRequest, context: Any
    ) -> provider_pb2.CreateResponse:
        kind, inputs = self._kind(request.urn), _plain(request.properties)
        ctx = self._context(inputs)
        body = kind.body(_without_meta(inputs))

        def answer() -> provider_pb2.CreateResponse:
            kind.check(ctx, body, CREATE)
            if request.preview:
                return provider_pb2.CreateResponse(
                    id="",
                    properties=_struct(dict.fromkeys(kind.computed, UNKNOWN) | kind.shown(inputs)),
                )
            self._reach(context, ctx.region)
            name_account(self._world, self._cloud, ctx.account)
            record = kind.create(ctx, body, inputs)
            return provider_pb2.CreateResponse(
                id=record.id, properties=_struct(kind.shown(inputs) | kind.outputs(ctx, record))
            )

        return self._try(context, f"creating {kind.token}", answer)

    def Read(self, request: provider_pb2.ReadRequest, context: Any) -> provider_pb2.ReadResponse:
        kind = self._kind(request.urn)
        known = _plain(request.inputs) or _plain(request.properties)
        record = self._world.get(self._cloud, kind.name, request.id)
        self._reach(context, record.region if record else "")
        if record is None:
            return provider_pb2.ReadResponse()
        ctx = self._context({"region": record.region})
        read = kind.inputs(ctx, record)
        inputs = {
            name: value
            for name, value in (known | read).items()
            if not known or name in known or name not in kind.computed
        }
        return provider_pb2.ReadResponse(
            id=record.id,
            inputs=_struct(inputs),
            properties=_struct(kind.shown(inputs) | kind.outputs(ctx, record)),
        )

    def Update(
        self, request: provider_pb2.UpdateRequest, context: Any
    ) -> provider_pb2.UpdateResponse:
        kind, inputs = self._kind(request.urn), _plain(request.news)
        ctx = self._context(inputs, _plain(request.old_inputs) or _plain(request.olds))
        body = kind.body(_without_meta(inputs))

        def answer() -> provider_pb2.UpdateResponse:
            kind.check(ctx, body, UPDATE)
            unknown = dict.fromkeys(kind.unknown_after(ctx, inputs), UNKNOWN)
            if request.preview:
                return provider_pb2.UpdateResponse(
                    properties=_struct(_plain(request.olds) | kind.shown(inputs) | unknown)
                )
            gone = Refusal("NotFound", f"{kind.token} {request.id} does not exist")
            record = ctx.need(kind.name, request.id, gone)
            self._reach(context, record.region)
            kind.update(ctx, record, body, inputs)
            return provider_pb2.UpdateResponse(
                properties=_struct(kind.shown(inputs) | kind.outputs(ctx, record))
            )

        return self._try(context, f"updating {kind.token} {request.id}", answer)

    def Delete(self, request: provider_pb2.DeleteRequest, context: Any) -> empty_pb2.Empty:
        kind = self._kind(request.urn)

        def answer() -> empty_pb2.Empty:
            record = self._world.get(self._cloud, kind.name, request.id)
            self._reach(context, record.region if record else "")
            if record is not None:
                kind.delete(self._context({"region": record.region}), record)
            return empty_pb2.Empty()

        return self._try(context, f"deleting {kind.token} {request.id}", answer)

    def Invoke(
        self, request: provider_pb2.InvokeRequest, context: Any
    ) -> provider_pb2.InvokeResponse:
        return provider_pb2.InvokeResponse(
            failures=[
                provider_pb2.CheckFailure(
                    reason=f"the emulated {self._cloud} has no data source {request.tok}"
                )
            ]
        )

    # -- supporting -------------------------------------------------------------------------------------------

    def _kind(self, urn: str) -> Kind:
        token = urn.split("::")[2].rsplit("$", 1)[-1]
        return self._kinds.get(token) or Unreviewed(token)

    def _context(self, inputs: Json, olds: Json | None = None) -> Context:
        region = inputs.get("region") or inputs.get("location") or self._variables.get("region", "")
        named = inputs.get("project") or self._variables.get("project")
        account = named or account_of(self._world, self._cloud)
        return Context(self._world, self._cloud, region, account, olds or {})

    def _try(self, context: grpc.ServicerContext, doing: str, answer: Callable[[], _T]) -> _T:
        try:
            with self._world.change():
                return answer()
        except (Refusal, Unmapped) as refusal:
            context.abort(grpc.StatusCode.UNKNOWN, f"{doing}: {refusal}")
            raise AssertionError("abort always raises") from refusal

    def _reach(self, context: grpc.ServicerContext, region: str) -> None:
        """Fail where the cloud, or its region, does not answer."""
        if faults.dead(self._world, self._cloud, region):
            where = f"{self._cloud} {region}".rstrip()
            context.abort(grpc.StatusCode.UNAVAILABLE, f"{where}: no answer: connection refused")

    def _warn(self, urn: str, message: str) -> None:
        if self._engine:
            self._engine.Log(
                engine_pb2.LogRequest(severity=engine_pb2.WARNING, urn=urn, message=message)
            )


def _absent(_provider: Provider, _request: Any, context: grpc.ServicerContext) -> None:
    """Methods that an engine can do without; the base class would log a traceback for each call."""
    context.abort(grpc.StatusCode.UNIMPLEMENTED, "not served")


for _method in (
    *("Handshake", "CheckConfig", "DiffConfig", "GetSchema", "GetMapping", "GetMappings"),
    *("Parameterize", "Construct", "Call", "List"),
):
    setattr(Provider, _method, _absent)


def _plain(struct: struct_pb2.Struct) -> Json:
    """A protobuf Struct as plain data: whole numbers as int, without the nulls that mean "not given"."""
    plain: Json = _whole(json_format.MessageToDict(struct))
    return plain


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items() if item is not None}
    return value


def _struct(data: Json) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(data)
    return struct


def _without_meta(inputs: Json) -> Json:
    return {name: value for name, value in inputs.items() if name not in _META}


def _defaults(kind: Kind, urn: str, olds: Json, news: Json, rng: random.Random) -> Json:
    """Inputs with the provider's defaults and, where the program gave none, a name that stays once given."""
    filled = kind.defaults | news
    auto = kind.autoname
    if auto is None or any(name in news for name in (auto.field, *auto.unless)):
        return filled
    name = olds.get(auto.field) if auto.field in olds.get(DEFAULTED, []) else None
    if name is None:
        stem = urn.rsplit("::", 1)[-1][: auto.longest - auto.digits - len(auto.separator)]
        tail = "".join(rng.choices("0123456789abcdef", k=auto.digits))
        name = f"{stem}{auto.separator}{tail}"
        name = name.lower() if auto.lower else name
    return filled | {auto.field: name, DEFAULTED: [auto.field]}


def _property_diff(name: str, olds: Json, news: Json, replaces: bool) -> provider_pb2.PropertyDiff:
    word = "ADD" if name not in olds else "DELETE" if name not in news else "UPDATE"
    suffix = "_REPLACE" if replaces else ""
    return provider_pb2.PropertyDiff(
        kind=provider_pb2.PropertyDiff.Kind.Value(word + suffix), inputDiff=True
    )

"""Instance templates, regional and global: immutable descriptions of machines."""

from __future__ import annotations

from sandbox.fields import UNKNOWN, Json
from sandbox.gcp.labels import label_outputs
from sandbox.gcp.links import GLOBAL, Link
from sandbox.gcp.resource import ComputeResource
from sandbox.gcp.shapes import fixed
from sandbox.gcp.template_fields import TEMPLATE
from sandbox.gcp.template_rules import check_template
from sandbox.kind import Autoname, Context
from sandbox.world import Record

_STARTUP = "startup-script"
_UNSHORTENED_PREFIX = 37
_LABELS = ("effectiveLabels", "pulumiLabels")


class RegionInstanceTemplate(ComputeResource):
    """An instance template of one region."""

    token = "gcp:compute/regionInstanceTemplate:RegionInstanceTemplate"
    collection, word = "instanceTemplates", "instance_template"
    api = "compute.regionInstanceTemplates.insert"
    links = (
        Link("properties.networkInterfaces[].network", "networks", "network", GLOBAL, holds=False),
        Link("properties.networkInterfaces[].subnetwork", "subnetworks", "subnetwork", holds=False),
    )
    fields = TEMPLATE
    provider_only = frozenset({"namePrefix", "metadataStartupScript"})
    replace_on = fixed(TEMPLATE) | {"namePrefix", "metadataStartupScript"}
    autoname = Autoname(longest=63, lower=True, unless=("namePrefix",))
    computed = (
        *("metadataFingerprint", "tagsFingerprint", "numericId"),
        *("selfLinkUnique", *_LABELS),
    )

    def body(self, inputs: Json) -> Json:
        """The startup script travels as one more metadata key."""
        script = inputs.get("metadataStartupScript")
        if script is not None and inputs.get("metadata") != UNKNOWN:
            inputs = inputs | {"metadata": inputs.get("metadata", {}) | {_STARTUP: script}}
        body = super().body(inputs)
        if prefix := inputs.get("namePrefix"):
            body["name"] = prefix if prefix == UNKNOWN else prefix + "0" * _suffix(prefix)
        return body

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        super().rules(ctx, body, verb)
        check_template(body.get("properties", {}))

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        if prefix := inputs.get("namePrefix"):
            body["name"] = prefix + ctx.world.new_hex(_suffix(prefix))
        record = super().create(ctx, body, inputs)
        record.live["namePrefix"] = inputs.get("namePrefix")
        record.live["script"] = inputs.get("metadataStartupScript") is not None
        return ctx.world.put(record)

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        """Nothing in the cloud can change; only what the provider keeps to itself."""

    def tags(self, body: Json) -> dict[str, str]:
        return dict(body.get("properties", {}).get("labels", {}))

    def inputs(self, ctx: Context, record: Record) -> Json:
        inputs = super().inputs(ctx, record)
        if record.live["script"]:
            inputs["metadataStartupScript"] = inputs["metadata"].pop(_STARTUP)
        if record.live["namePrefix"]:
            inputs["namePrefix"] = record.live["namePrefix"]
            del inputs["name"]
        return {name: value for name, value in inputs.items() if value != {}}

    def extra(self, record: Record) -> Json:
        number = record.live["number"]
        return {
            "metadataFingerprint": number,
            "tagsFingerprint": number,
            "numericId": number,
            "selfLinkUnique": f"{record.live['selfLink']}?uniqueId={number}",
            **label_outputs(record.tags),
        }


class InstanceTemplate(RegionInstanceTemplate):
    """A global instance template."""

    token = "gcp:compute/instanceTemplate:InstanceTemplate"
    scope = GLOBAL
    api = "compute.instanceTemplates.insert"


def _suffix(prefix: str) -> int:
    """How many digits the provider adds; with fewer for a long prefix, 54 characters of prefix make a legal name."""
    return 26 if len(prefix) <= _UNSHORTENED_PREFIX else 9

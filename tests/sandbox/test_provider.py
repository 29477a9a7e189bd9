"""The provider face, through the real engine: names, diffs, unreviewed types, a world that outlives its server."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
import pytest
from pulumi import automation

from sandbox.world import World
from tests.sandbox.foreign import MARKET, Outcome, engine, run_foreign


def test_a_type_without_a_row_is_stored_as_it_is_with_a_warning():
    def program():
        stream = aws.kinesis.Stream("jobs", shard_count=3)
        pulumi.export("shards", stream.shard_count)

    outcome = run_foreign(program)
    assert "jobs" in outcome.created
    assert outcome.warnings == ["aws:kinesis/stream:Stream has no reviewed row: stored as it is\n"]
    (record,) = outcome.world.all("aws", "aws:kinesis/stream:Stream")
    assert record.body["shardCount"] == 3


def test_an_unmapped_input_is_refused_with_its_path_and_where_to_map_it():
    def program():
        gcp.compute.RegionInstanceTemplate(
            "nodes",
            region="us-central1",
            machine_type="g2-standard-4",
            disks=[{"source_image": "debian-cloud/debian-12"}],
            enable_display=True,
        )

    refused = run_foreign(program).refused["nodes"]
    assert "RegionInstanceTemplate.enableDisplay" in refused
    assert "add it to the type's row in sandbox/gcp/" in refused


def network(cidr: str, tags: dict[str, str]):
    def program():
        vpc = aws.ec2.Vpc("net", cidr_block=cidr, tags=tags)
        template = aws.ec2.LaunchTemplate("nodes", instance_type="g6.xlarge", tags=tags)
        pulumi.export("vpc", vpc.id)
        pulumi.export("template", template.name)

    return program


@pytest.fixture
def deployed(tmp_path):
    """The outputs of one `up`, whose server is gone again."""
    with engine(network("10.0.0.0/16", {"a": "1"}), tmp_path) as (stack, world):
        outputs = {name: output.value for name, output in stack.up().outputs.items()}
    world.close()
    return outputs


def test_state_outlives_the_server_and_generated_names_stay(deployed, tmp_path):
    with engine(network("10.0.0.0/16", {"a": "2"}), tmp_path) as (stack, world):
        done = stack.up()
        assert done.summary.resource_changes == {"same": 1, "update": 2}
        assert {name: output.value for name, output in done.outputs.items()} == deployed
        assert deployed["template"].startswith("nodes-")
        assert world.get("aws", "ec2:LaunchTemplate", "x") is None
        assert [vpc.tags for vpc in world.all("aws") if vpc.id == deployed["vpc"]] == [{"a": "2"}]


def test_what_cannot_be_changed_is_replaced_before_the_old_one_goes(deployed, tmp_path):
    with engine(network("10.9.0.0/16", {"a": "1"}), tmp_path) as (stack, _):
        steps = []
        done = stack.up(
            on_event=lambda e: e.resource_pre_event and steps.append(e.resource_pre_event)
        )
        assert done.summary.resource_changes["replace"] == 1
        assert done.outputs["vpc"].value != deployed["vpc"]
        order = [s.metadata.op for s in steps if s.metadata.urn.endswith("::net")]
        assert order.index("create-replacement") < order.index("delete-replaced")


def test_a_refresh_drops_what_was_deleted_behind_the_engines_back(deployed, tmp_path):
    with engine(network("10.0.0.0/16", {"a": "1"}), tmp_path) as (stack, world):
        (vpc,) = [record for record in world.all("aws") if record.id == deployed["vpc"]]
        world.remove(vpc)
        assert stack.refresh().summary.resource_changes["delete"] == 1
        urns = json.dumps(stack.export_stack().deployment)
        assert "::net" not in urns
        assert "::nodes" in urns


def test_a_data_source_is_refused_by_name():
    def program():
        aws.get_caller_identity()

    with pytest.raises(Exception, match="has no data source aws:index/getCallerIdentity"):
        run_foreign(program)


def test_a_cloud_or_region_that_is_gone_does_not_answer_the_engine(tmp_path):
    world = World(tmp_path / "clouds.db", MARKET)
    world.set_setting("fault/gcp/dead", "1")
    world.set_setting("fault/aws/dead/us-east-1", "1")

    def program():
        aws.ec2.Vpc("dead", cidr_block="10.0.0.0/16", region="us-east-1")
        aws.ec2.Vpc("alive", cidr_block="10.0.0.0/16", region="us-east-2")
        gcp.compute.Network("gone", project="p")

    outcome = Outcome(world)
    with engine(program, tmp_path, world=world) as (stack, _):
        stack.preview()
        with pytest.raises(automation.errors.CommandError):
            stack.up(on_event=outcome.note, continue_on_error=True)
    assert "alive" in outcome.created
    assert "aws us-east-1: no answer: connection refused" in outcome.refused["dead"]
    assert "no answer: connection refused" in outcome.refused["gone"]
    world.close()

"""What cannot be deleted on the emulated AWS while something stands on it, and what goes along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.fields import Json
from sandbox.refusal import Refusal
from tests.sandbox.aws_cloud import Cloud, open_cloud
from tests.sandbox.aws_samples import make


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    opened = open_cloud(tmp_path)
    yield opened
    opened.ctx.world.close()


def test_a_subnet_is_in_use_while_machines_run_in_it(cloud: Cloud) -> None:
    group = cloud.group(1)
    subnet = cloud.ctx.world.get("aws", "ec2:Subnet", cloud.subnets[0])
    assert subnet is not None
    with pytest.raises(Refusal, match=r"DependencyViolation: The subnet .* has dependencies"):
        cloud.delete(subnet)
    cloud.update(group, cloud.inputs(0), olds=cloud.inputs(1))
    cloud.delete(subnet)


def test_a_security_group_is_in_use_while_machines_of_its_template_run(cloud: Cloud) -> None:
    web = make(cloud.ctx, "SecurityGroup", {"name": "web", "vpcId": cloud.vpc.id})
    inputs = {"name": "replica", "imageId": "ami-1", "vpcSecurityGroupIds": [web.id]}
    cloud.update(cloud.template, inputs)
    group = cloud.group(1)
    with pytest.raises(Refusal, match="has a dependent object"):
        cloud.delete(web)
    cloud.delete(group)
    cloud.delete(web)


def test_what_others_stand_on_cannot_be_deleted(cloud: Cloud) -> None:
    ctx, vpc = cloud.ctx, cloud.vpc.id
    gateway = make(ctx, "InternetGateway", {"vpcId": vpc})
    address = make(ctx, "Eip", {})
    nat = make(ctx, "NatGateway", {"subnetId": cloud.subnets[0], "allocationId": address.id})
    table = make(ctx, "RouteTable", {"vpcId": vpc})
    use = {"routeTableId": table.id, "subnetId": cloud.subnets[0]}
    association = make(ctx, "RouteTableAssociation", use)
    for record, words in (
        (cloud.vpc, "DependencyViolation: The vpc"),
        (gateway, "has some mapped public address"),
        (address, r"InvalidIPAddress.InUse: Address 203\.0\.113\.\d+ is in use"),
        (table, "DependencyViolation: The routeTable"),
    ):
        with pytest.raises(Refusal, match=words):
            cloud.delete(record)
    for record in (association, table, nat, address, gateway):
        cloud.delete(record)


def test_a_load_balancer_takes_its_listeners_along_and_frees_its_targets(cloud: Cloud) -> None:
    inputs: Json = {"name": "edge", "loadBalancerType": "network", "internal": True}
    inputs |= {"subnets": cloud.subnets, "enableDeletionProtection": True}
    edge = make(cloud.ctx, "LoadBalancer", inputs)
    targets = make(
        cloud.ctx,
        "TargetGroup",
        {"name": "t", "port": 80, "protocol": "TCP", "vpcId": cloud.vpc.id},
    )
    action = {"type": "forward", "targetGroupArn": targets.id}
    make(
        cloud.ctx,
        "Listener",
        {"loadBalancerArn": edge.id, "port": 80, "protocol": "TCP", "defaultActions": [action]},
    )
    with pytest.raises(Refusal, match=r"ResourceInUse: Target group .* is currently in use"):
        cloud.delete(targets)
    with pytest.raises(Refusal, match="deletion protection is enabled"):
        cloud.delete(edge)
    cloud.update(edge, inputs | {"enableDeletionProtection": False})
    cloud.delete(edge)
    cloud.delete(targets)
    assert not cloud.ctx.world.all("aws", "elbv2:Listener")


def test_a_network_balancer_cannot_get_security_groups_later(cloud: Cloud) -> None:
    web = make(cloud.ctx, "SecurityGroup", {"name": "web", "vpcId": cloud.vpc.id})
    inputs: Json = {"name": "edge", "loadBalancerType": "network", "internal": True}
    inputs |= {"subnets": cloud.subnets}
    edge = make(cloud.ctx, "LoadBalancer", inputs)
    with pytest.raises(Refusal, match="cannot add security groups"):
        cloud.update(edge, inputs | {"securityGroups": [web.id]})


def test_names_and_addresses_look_as_the_real_ones_do(cloud: Cloud) -> None:
    inputs: Json = {"name": "edge", "loadBalancerType": "network", "internal": True}
    edge = make(cloud.ctx, "LoadBalancer", inputs | {"subnets": cloud.subnets})
    shown = cloud.outputs(edge)
    assert shown["arn"].startswith(
        "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/net/edge/"
    )
    assert shown["dnsName"].endswith(".elb.us-east-1.amazonaws.com")
    assert cloud.outputs(cloud.vpc)["arn"].startswith("arn:aws:ec2:us-east-1:111122223333:vpc/vpc-")
    group = cloud.outputs(cloud.group())
    assert group["arn"].endswith(":autoScalingGroupName/spots")
    assert group["availabilityZones"] == ["us-east-1a", "us-east-1b"]


def test_nothing_of_another_region_is_found(cloud: Cloud) -> None:
    abroad = replace(cloud.ctx, region="eu-west-1")
    with pytest.raises(Refusal, match=r"InvalidVpcID\.NotFound"):
        make(abroad, "SecurityGroup", {"name": "web", "vpcId": cloud.vpc.id})

"""Somebody else's Pulumi program that does everything wrong on AWS, and a few things right."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import autoscaling, ec2, lb

REGION: dict[str, Any] = {"region": "us-east-1"}
NO_SUCH = "0123456789abcdef0"
MIXED = "mixed_instances_policy"
ANYWHERE = ["0.0.0.0/0"]


class Network:
    """A VPC with everything that the other resources stand on."""

    def __init__(self) -> None:
        self.vpc = ec2.Vpc("vpc", cidr_block="10.0.0.0/16", **REGION).id
        gateway = ec2.InternetGateway("gateway", vpc_id=self.vpc, **REGION)
        self.after = pulumi.ResourceOptions(depends_on=[gateway])
        self.a = self.subnet("a", "10.0.0.0/24", "use1-az1")
        self.b = self.subnet("b", "10.0.1.0/24", "use1-az2")
        self.twin = self.subnet("twin", "10.0.2.0/24", "use1-az1")
        first = pulumi.ResourceOptions(depends_on=[self.a, self.b, self.twin])
        ec2.Subnet("overlap", vpc_id=self.vpc, cidr_block="10.0.0.0/20", **REGION, opts=first)
        self.subnet("outside", "10.1.0.0/24", "use1-az1")
        self.subnet("elsewhere", "10.0.9.0/24", "usw2-az1")
        ec2.Vpc("huge", cidr_block="10.0.0.0/8", **REGION)
        ec2.Subnet("nowhere", vpc_id=f"vpc-{NO_SUCH}", cidr_block="10.0.8.0/24", **REGION)

    def subnet(self, name: str, block: str, zone: str) -> ec2.Subnet:
        return ec2.Subnet(
            name, vpc_id=self.vpc, cidr_block=block, availability_zone_id=zone, **REGION
        )


def gateways(net: Network) -> None:
    address = ec2.Eip("address", **REGION)
    nat = ec2.NatGateway(
        "nat", subnet_id=net.a.id, allocation_id=address.id, **REGION, opts=net.after
    )
    ec2.NatGateway("no-address", subnet_id=net.a.id, **REGION)
    ec2.NatGateway(
        "second-nat",
        subnet_id=net.b.id,
        allocation_id=address.id,
        **REGION,
        opts=pulumi.ResourceOptions(depends_on=[nat]),
    )
    lonely = ec2.Vpc("lonely", cidr_block="10.9.0.0/16", **REGION)
    inner = ec2.Subnet("inner", vpc_id=lonely.id, cidr_block="10.9.0.0/24", **REGION)
    spare = ec2.Eip("spare", **REGION)
    ec2.NatGateway("offline-nat", subnet_id=inner.id, allocation_id=spare.id, **REGION)
    lb.LoadBalancer("offline", load_balancer_type="network", subnets=[inner.id], **REGION)
    missing: Any = {"cidr_block": "0.0.0.0/0", "nat_gateway_id": f"nat-{NO_SUCH}"}
    ec2.RouteTable("bad-route", vpc_id=net.vpc, routes=[missing], **REGION)
    both: Any = {"cidr_block": "0.0.0.0/0", "nat_gateway_id": nat.id, "gateway_id": "local"}
    ec2.RouteTable("two-targets", vpc_id=net.vpc, routes=[both], **REGION)


def firewall(net: Network) -> ec2.SecurityGroup:
    def group(name: str, /, **rule: Any) -> ec2.SecurityGroup:
        usual: Any = {"protocol": "tcp", "from_port": 80, "to_port": 80}
        return ec2.SecurityGroup(name, vpc_id=net.vpc, ingress=[usual | rule], **REGION)

    group("no-source")
    group("no-protocol", protocol="http", cidr_blocks=ANYWHERE)
    group("all-with-ports", protocol="-1", cidr_blocks=ANYWHERE)
    group("backwards", from_port=90, cidr_blocks=ANYWHERE)
    group("no-group", security_groups=[f"sg-{NO_SUCH}"])
    ec2.SecurityGroup("reserved", vpc_id=net.vpc, name="sg-web", **REGION)
    return group("web", cidr_blocks=ANYWHERE)


def balancers(net: Network) -> pulumi.Output[str]:
    def balancer(name: str, /, **changes: Any) -> lb.LoadBalancer:
        usual: dict[str, Any] = {
            "load_balancer_type": "network",
            "subnets": [net.a.id, net.b.id],
            "opts": net.after,
        }
        return lb.LoadBalancer(name, **(usual | REGION | changes))

    def targets(name: str, /, **changes: Any) -> lb.TargetGroup:
        usual: dict[str, Any] = {"port": 80, "protocol": "TCP", "vpc_id": net.vpc}
        return lb.TargetGroup(name, **(usual | REGION | changes))

    edge = balancer("edge")
    balancer("long-name", name="a-load-balancer-name-of-33-chars-")
    balancer("odd-name", name="under_score")
    balancer("same-zone", subnets=[net.a.id, net.twin.id])
    balancer("one-zone", load_balancer_type="application", subnets=[net.a.id])
    balancer("no-subnet", subnets=[f"subnet-{NO_SUCH}"])
    balancer("no-such-sg", security_groups=[f"sg-{NO_SUCH}"])
    balancer("no-such-kind", load_balancer_type="classic")
    good = targets("good")
    web = targets("web-targets", protocol="HTTP")
    targets("long-targets", name="a-target-group-name-of-33-letters")
    targets("no-port", port=None)
    slow = {"protocol": "HTTP", "interval": 10, "timeout": 10}
    targets("slow-check", protocol="HTTP", health_check=slow)
    targets("network-check", health_check=slow)
    targets("no-such-algorithm", load_balancing_algorithm_type="random")
    targets("reserved-tag", tags={"aws:team": "search"})
    targets("tcp-path", health_check={"protocol": "TCP", "path": "/health"})
    targets("cookies", stickiness={"type": "lb_cookie"})
    targets("no-such-protocol", protocol="SCTP")
    listeners(edge, good, web)
    return good.arn


def listeners(edge: lb.LoadBalancer, good: lb.TargetGroup, web: lb.TargetGroup) -> None:
    def listener(name: str, /, port: int, **changes: Any) -> lb.Listener:
        usual: dict[str, Any] = {
            "load_balancer_arn": edge.arn,
            "port": port,
            "protocol": "TCP",
            "default_actions": [{"type": "forward", "target_group_arn": good.arn}],
        }
        return lb.Listener(name, **(usual | REGION | changes))

    first = listener("listening", 80)
    listener("taken-port", 80, opts=pulumi.ResourceOptions(depends_on=[first]))
    listener("long-idle", 88, tcp_idle_timeout_seconds=7000)
    listener("web-on-network", 81, protocol="HTTP")
    listener("no-certificate", 82, protocol="TLS")
    fixed = {"type": "fixed-response", "fixed_response": {"content_type": "text/plain"}}
    listener("no-status", 83, default_actions=[fixed])
    answer = {"content_type": "text/plain", "status_code": "200"}
    listener("answers", 84, default_actions=[{"type": "fixed-response", "fixed_response": answer}])
    listener("no-target", 85, default_actions=[{"type": "forward"}])
    listener("mismatch", 86, default_actions=[{"type": "forward", "target_group_arn": web.arn}])
    listener("no-balancer", 87, load_balancer_arn="arn:aws:elasticloadbalancing:nowhere")


def templates() -> dict[str, ec2.LaunchTemplate]:
    def template(name: str, /, **changes: Any) -> ec2.LaunchTemplate:
        usual: dict[str, Any] = {"image_id": "resolve:ssm:/aws/service/image"}
        return ec2.LaunchTemplate(name, **(usual | REGION | changes))

    template("long-script", user_data=base64.b64encode(b"x" * 16385).decode())
    template("full-script", user_data=base64.b64encode(b"x" * 16384).decode())
    template("plain-script", user_data="#cloud-config")
    template("no-such-type", instance_type="g99.xlarge")
    template(
        "no-such-disk", block_device_mappings=[{"device_name": "a", "ebs": {"volume_type": "gp9"}}]
    )
    template("lax", metadata_options={"http_tokens": "maybe"})
    template(
        "two-places-for-groups",
        vpc_security_group_ids=[f"sg-{NO_SUCH}"],
        network_interfaces=[{"device_index": 0}],
    )
    return {
        "plain": template("plain"),
        "typed": template("typed", instance_type="g6.xlarge"),
        "spot": template("spot", instance_market_options={"market_type": "spot"}),
        "blank": template("blank", image_id=None),
    }


_OVERRIDES = [{"instance_type": "g6.xlarge"}, {"instance_type": "g6.2xlarge"}]


@dataclass(frozen=True)
class Groups:
    """Groups over a network and the templates; spot and empty unless told."""

    net: Network
    known: dict[str, ec2.LaunchTemplate]
    targets: pulumi.Output[str]

    def policy(self, template: str = "plain", **changes: Any) -> dict[str, Any]:
        named = {"launch_template_specification": {"launch_template_id": self.known[template].id}}
        distribution = {
            "on_demand_percentage_above_base_capacity": 0,
            "spot_allocation_strategy": "price-capacity-optimized",
        }
        return {
            "launch_template": named | {"overrides": changes.pop("overrides", _OVERRIDES)},
            "instances_distribution": distribution | changes,
        }

    def group(self, name: str, /, **changes: Any) -> autoscaling.Group:
        usual: dict[str, Any] = {
            "min_size": 0,
            "max_size": 4,
            "vpc_zone_identifiers": [self.net.a.id, self.net.b.id],
            "target_group_arns": [self.targets],
            "wait_for_capacity_timeout": "0",
            MIXED: self.policy(),
        }
        return autoscaling.Group(name, **(usual | REGION | changes))

    def mixed(self, name: str, template: str = "plain", **changes: Any) -> None:
        self.group(name, **{MIXED: self.policy(template, **changes)})

    def templated(self, name: str, **template: Any) -> None:
        self.group(name, **{MIXED: None, "launch_template": template})


def sizes(make: Groups) -> None:
    make.group("spots", desired_capacity=2)
    make.group("too-many", desired_capacity=5)
    make.group("too-few", min_size=2, desired_capacity=1)
    make.group("upside-down", min_size=5)
    make.group("patient", desired_capacity=4, max_size=99)
    make.group("impatient", desired_capacity=99, max_size=99, wait_for_capacity_timeout="10m")


def sources(make: Groups) -> None:
    known = make.known
    make.mixed("market-options", "spot")
    make.mixed("no-image", "blank")
    make.templated("no-type", id=known["plain"].id)
    make.templated("typed-group", id=known["typed"].id)
    make.templated("no-template", id=f"lt-{NO_SUCH}")
    make.templated("no-version", id=known["typed"].id, version="7")
    make.group("no-source-at-all", **{MIXED: None})
    make.group("two-sources", launch_template={"id": known["typed"].id})
    make.group("no-such-subnet", vpc_zone_identifiers=[f"subnet-{NO_SUCH}"])
    make.group("no-subnets", vpc_zone_identifiers=None)
    make.group("no-targets", target_group_arns=["arn:aws:elasticloadbalancing:nowhere"])
    first = make.group("first-of-name", name="taken")
    make.group("second-of-name", name="taken", opts=pulumi.ResourceOptions(depends_on=[first]))


def policies(make: Groups) -> None:
    half = [{"instance_type": "g6.xlarge", "weighted_capacity": "2"}, _OVERRIDES[1]]
    make.mixed("no-such-strategy", spot_allocation_strategy="cheapest")
    make.mixed("pools", spot_instance_pools=2)
    make.mixed("share", on_demand_percentage_above_base_capacity=101)
    make.mixed("half-weighted", overrides=half)
    make.mixed("weightless", overrides=[half[0] | {"weighted_capacity": "0"}])
    make.group("no-such-process", suspended_processes=["Rebalance"])
    make.group("no-such-check", health_check_type="HTTP")


def program() -> None:
    net = Network()
    gateways(net)
    firewall(net)
    make = Groups(net, templates(), balancers(net))
    for declare in (sizes, sources, policies):
        declare(make)

"""Somebody else's program: good resources of Google Cloud, and one bad one per pitfall."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_gcp import compute

REGION = "us-central1"
ZONES = [f"{REGION}-a", f"{REGION}-b", f"{REGION}-c"]
PLACE = {"project": "emulated-project", "region": REGION}
SPOT = {
    "provisioning_model": "SPOT",
    "preemptible": True,
    "automatic_restart": False,
    "on_host_maintenance": "TERMINATE",
}
STANDARD = {"on_host_maintenance": "TERMINATE"}
DISK = {"boot": True, "source_image": "debian-cloud/debian-12", "disk_type": "pd-balanced"}
UPDATE = {"type": "OPPORTUNISTIC", "minimal_action": "REPLACE"}


def template(title: str, **changes: Any) -> compute.RegionInstanceTemplate:
    """A spot template with one GPU, but for what is changed."""
    usual: dict[str, Any] = {
        "name_prefix": f"{title}-",
        "machine_type": "g2-standard-4",
        "disks": [DISK],
        "scheduling": SPOT,
        **PLACE,
    }
    return compute.RegionInstanceTemplate(title, **(usual | changes))


def group(
    name: str, template_link: pulumi.Input[str], **changes: Any
) -> compute.RegionInstanceGroupManager:
    """An empty group over three zones, but for what is changed."""
    usual: dict[str, Any] = {
        "base_instance_name": name,
        "versions": [{"instance_template": template_link}],
        "distribution_policy_zones": ZONES,
        "target_size": 0,
        **PLACE,
    }
    return compute.RegionInstanceGroupManager(name, **(usual | changes))


def templates() -> pulumi.Output[str]:
    """Good and bad templates; the link of a good one."""
    link = template("good-spot").self_link
    first = template("first", name_prefix=None, name="taken")
    template("good-standard", scheduling=STANDARD)
    template(
        "good-n1",
        machine_type="n1-standard-4",
        guest_accelerators=[{"type": "nvidia-tesla-t4", "count": 1}],
    )
    template("good-notice", scheduling=SPOT | {"preemption_notice_duration": {"seconds": 120}})
    template("restart", scheduling={k: v for k, v in SPOT.items() if k != "automatic_restart"})
    template("moves", scheduling=SPOT | {"on_host_maintenance": "MIGRATE"})
    template("half-spot", scheduling={k: v for k, v in SPOT.items() if k != "preemptible"})
    template("gpu-moves", scheduling={"on_host_maintenance": "MIGRATE"})
    template("gpu-moves-by-default", scheduling=None)
    template(
        "late-notice",
        scheduling=STANDARD
        | {"provisioning_model": "STANDARD", "preemption_notice_duration": {"seconds": 30}},
    )
    template("two-gpus", guest_accelerators=[{"type": "nvidia-tesla-t4", "count": 1}])
    template(
        "a100-on-n1",
        machine_type="n1-standard-8",
        guest_accelerators=[{"type": "nvidia-tesla-a100", "count": 1}],
    )
    template("slow-disk", disks=[DISK | {"disk_type": "pd-standard"}])
    template("old-disk", machine_type="a4-highgpu-8g")
    template("long-prefix", name_prefix="p" * 55)
    template("shouts", labels={"team": "Serving"})
    template("numbered", labels={"1st": "a"})
    template("wordy", metadata={"user-data": "x" * 262_145})
    template("no-such-subnet", network_interfaces=[{"subnetwork": "nowhere"}])
    template(
        "second", name_prefix=None, name="taken", opts=pulumi.ResourceOptions(depends_on=[first])
    )
    return link


def groups(link: pulumi.Output[str]) -> None:
    """Good and bad groups."""
    none = {"instance_redistribution_type": "NONE"}
    select = {"name": "a", "machine_types": ["g2-standard-4"], "rank": 1}
    group(
        "good-group",
        link,
        update_policy=UPDATE | {"max_surge_fixed": 3, "max_unavailable_fixed": 0},
    )
    group(
        "good-balanced",
        link,
        distribution_policy_target_shape="BALANCED",
        update_policy=UPDATE | none,
        instance_flexibility_policy={"instance_selections": [select]},
    )
    group("Capital", link)
    group("negative", link, target_size=-1)
    group("long-base", link, base_instance_name="b" * 59)
    group("few-surge", link, update_policy=UPDATE | {"max_surge_fixed": 1})
    group("few-unavailable", link, update_policy=UPDATE | {"max_unavailable_fixed": 2})
    group("stuck", link, update_policy=UPDATE | {"max_surge_fixed": 0, "max_unavailable_fixed": 0})
    group(
        "recreates",
        link,
        update_policy=UPDATE | {"replacement_method": "RECREATE", "max_surge_fixed": 3},
    )
    group(
        "reshuffles",
        link,
        distribution_policy_target_shape="ANY",
        update_policy=UPDATE | {"instance_redistribution_type": "PROACTIVE"},
    )
    group("misspelt", link, update_policy=UPDATE | {"type": "EAGER"})
    group("far-zone", link, distribution_policy_zones=["europe-west4-a"])
    group("no-template", "projects/emulated-project/regions/us-central1/instanceTemplates/none")
    group("two-mains", link, versions=[{"instance_template": link}, {"instance_template": link}])
    group(
        "impatient", link, auto_healing_policies={"health_check": "none", "initial_delay_sec": 3601}
    )
    group(
        "no-check", link, auto_healing_policies={"health_check": "none", "initial_delay_sec": 600}
    )
    group(
        "twice",
        link,
        instance_flexibility_policy={"instance_selections": [select, select | {"name": "b"}]},
    )


def balancers() -> None:
    """Good and bad health checks, backend services and forwarding rules."""
    http = {"port": 8000, "request_path": "/health"}
    check = compute.RegionHealthCheck("good-check", http_health_check=http, **PLACE)
    compute.RegionHealthCheck(
        "slow-check", http_health_check=http, check_interval_sec=5, timeout_sec=6, **PLACE
    )
    compute.RegionHealthCheck("no-protocol", **PLACE)
    compute.RegionHealthCheck(
        "two-protocols", http_health_check=http, tcp_health_check={"port": 1}, **PLACE
    )
    compute.RegionHealthCheck(
        "never-healthy", http_health_check=http, healthy_threshold=11, **PLACE
    )
    outer = {"load_balancing_scheme": "EXTERNAL", "protocol": "TCP", **PLACE}
    backend = compute.RegionBackendService("good-backend", health_checks=check.self_link, **outer)
    compute.RegionBackendService("inner-backend", protocol="TCP", **PLACE)
    some_group = "projects/other-project/zones/us-central1-a/instanceGroups/g"
    compute.RegionBackendService(
        "rated", backends=[{"group": some_group, "balancing_mode": "RATE"}], **outer
    )
    compute.RegionBackendService(
        "scaled",
        backends=[{"group": some_group, "balancing_mode": "CONNECTION", "capacity_scaler": 0.5}],
        **outer,
    )
    compute.RegionBackendService("http-backend", **(outer | {"protocol": "HTTP"}))
    compute.RegionBackendService("checks-nothing", health_checks="nothing", **outer)
    compute.ForwardingRule(
        "good-rule", backend_service=backend.self_link, ports=["8000"], ip_protocol="TCP", **PLACE
    )
    compute.ForwardingRule("aimless", ports=["8000"], **PLACE)
    compute.ForwardingRule(
        "six-ports", backend_service=backend.self_link, ports=list("123456"), **PLACE
    )
    compute.ForwardingRule(
        "all-and-one", backend_service=backend.self_link, ports=["1"], all_ports=True, **PLACE
    )
    compute.ForwardingRule(
        "mixed-schemes",
        backend_service=backend.self_link,
        ports=["1"],
        load_balancing_scheme="INTERNAL",
        **PLACE,
    )


def networks() -> None:
    """Good and bad networks."""
    project = {"project": PLACE["project"]}
    net = compute.Network("good-net", auto_create_subnetworks=False, **project)
    compute.Network("under_score", name="under_score", **project)
    first = compute.Subnetwork(
        "good-subnet", network=net.self_link, ip_cidr_range="10.0.0.0/20", **PLACE
    )
    later = pulumi.ResourceOptions(depends_on=[first])
    compute.Subnetwork(
        "overlaps", network=net.self_link, ip_cidr_range="10.0.1.0/24", opts=later, **PLACE
    )
    compute.Subnetwork("host-bits", network=net.self_link, ip_cidr_range="10.9.1.0/23", **PLACE)
    compute.Subnetwork("nowhere", network="no-net", ip_cidr_range="10.8.0.0/24", **PLACE)
    compute.Subnetwork(
        "no-region", network=net.self_link, ip_cidr_range="10.7.0.0/24", project=PLACE["project"]
    )
    compute.Firewall(
        "allows-nothing", network=net.self_link, source_ranges=["0.0.0.0/0"], **project
    )
    compute.Firewall("from-nowhere", network=net.self_link, allows=[{"protocol": "tcp"}], **project)
    router = compute.Router("good-router", network=net.self_link, **PLACE)
    nat = {"source_subnetwork_ip_ranges_to_nat": "ALL_SUBNETWORKS_ALL_IP_RANGES", **PLACE}
    compute.RouterNat("good-nat", router=router.name, nat_ip_allocate_option="AUTO_ONLY", **nat)
    compute.RouterNat("no-router", router="none", nat_ip_allocate_option="AUTO_ONLY", **nat)
    compute.RouterNat(
        "auto-and-manual",
        router=router.name,
        nat_ip_allocate_option="AUTO_ONLY",
        nat_ips=["a"],
        **nat,
    )


def program() -> None:
    """Everything, in one stack."""
    groups(templates())
    balancers()
    networks()

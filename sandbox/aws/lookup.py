"""How AWS's rows find each other's records, and what AWS says where there is none."""

from __future__ import annotations

from typing import Any

from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record

VPC = "ec2:VPC"
SUBNET = "ec2:Subnet"
GATEWAY = "ec2:InternetGateway"
NAT = "ec2:NatGateway"
ROUTE_TABLE = "ec2:RouteTable"
MAIN_ROUTE_TABLE = "ec2:DefaultRouteTable"
SECURITY_GROUP = "ec2:SecurityGroup"
ADDRESS = "ec2:EIP"
ASSOCIATION = "ec2:RouteTableAssociation"
LAUNCH_TEMPLATE = "ec2:LaunchTemplate"
LOAD_BALANCER = "elbv2:LoadBalancer"
TARGET_GROUP = "elbv2:TargetGroup"
LISTENER = "elbv2:Listener"
GROUP = "autoscaling:AutoScalingGroup"
ROLE = "iam:Role"
ROLE_POLICY = "iam:RolePolicy"
INSTANCE_PROFILE = "iam:InstanceProfile"
FUNCTION = "lambda:Function"
PERMISSION = "lambda:Permission"
INVOKE_CONFIG = "lambda:EventInvokeConfig"
QUEUE = "sqs:Queue"
QUEUE_POLICY = "sqs:QueuePolicy"
RULE = "events:Rule"
TARGET = "events:Target"
LOG_GROUP = "logs:LogGroup"
ALARM = "cloudwatch:Alarm"
BUCKET = "s3:Bucket"
BUCKET_VERSIONING = "s3:BucketVersioning"
BUCKET_ACCESS = "s3:PublicAccessBlock"
BUCKET_LIFECYCLE = "s3:BucketLifecycle"
BUCKET_NOTIFICATION = "s3:BucketNotification"
OBJECT = "s3:Object"


def find(ctx: Context, kind: str, record_id: Any, refusal: Refusal) -> Record:
    """A record of this region, or the refusal."""
    record = ctx.world.get(ctx.cloud, kind, record_id)
    if record is None or record.region != ctx.region:
        raise refusal
    return record


def need_vpc(ctx: Context, vpc_id: str) -> Record:
    """The VPC, or EC2's refusal."""
    gone = Refusal("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    return find(ctx, VPC, vpc_id, gone)


def need_subnet(ctx: Context, subnet_id: str, code: str = "InvalidSubnetID.NotFound") -> Record:
    """The subnet, or a refusal under the asking service's code."""
    return find(
        ctx, SUBNET, subnet_id, Refusal(code, f"The subnet ID '{subnet_id}' does not exist")
    )


def need_internet(ctx: Context, vpc_id: str, refusal: Refusal) -> None:
    """Refuse where the VPC has no internet gateway."""
    if not any(other.kind == GATEWAY for other in ctx.world.children(need_vpc(ctx, vpc_id))):
        raise refusal


def need_address(ctx: Context, allocation_id: str) -> Record:
    """The elastic address, or EC2's refusal."""
    gone = Refusal(
        "InvalidAllocationID.NotFound", f"The allocation ID '{allocation_id}' does not exist"
    )
    return find(ctx, ADDRESS, allocation_id, gone)


def need_group(ctx: Context, group_id: str) -> Record:
    """The security group, or EC2's refusal."""
    gone = Refusal("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
    return find(ctx, SECURITY_GROUP, group_id, gone)

"""Rich inputs of every Azure row, and an account where what they point at exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.azure import KINDS
from sandbox.fields import Json
from sandbox.kind import CREATE, Context, Kind
from sandbox.world import Record, World
from tests.sandbox.foreign import MARKET

ACCOUNT = "11111111-2222-3333-4444-555555555555"
GROUP = f"/subscriptions/{ACCOUNT}/resourceGroups/group"
NET = f"{GROUP}/providers/Microsoft.Network"
CDN = f"{GROUP}/providers/Microsoft.Cdn/profiles/front"
PLACE: Json = {"resourceGroupName": "group", "location": "eastus", "tags": {"stack": "test"}}
PART: Json = {"resourceGroupName": "group", "profileName": "front"}
IN_ACCOUNT: Json = {"resourceGroupName": "group", "accountName": "letters"}
T4 = "Standard_NC4as_T4_v3"
A100 = "Standard_NC24ads_A100_v4"


def part(collection: str) -> Json:
    """A reference to a part of the sample balancer."""
    return {"id": f"{NET}/loadBalancers/balancer/{collection}/main"}


def nic(**more: Any) -> Json:
    """A network interface in the sample subnet, behind the sample balancer."""
    address = {
        "name": "main",
        "primary": True,
        "subnet": {"id": f"{NET}/virtualNetworks/net/subnets/sub"},
        "loadBalancerBackendAddressPools": [part("backendAddressPools")],
    }
    return {
        "name": "nic",
        "primary": True,
        "deleteOption": "Delete",
        "ipConfigurations": [address],
    } | more


def machine(**more: Any) -> Json:
    """A spot machine's profile."""
    return {
        "priority": "Spot",
        "evictionPolicy": "Delete",
        "billingProfile": {"maxPrice": -1},
        "storageProfile": {
            "imageReference": {"publisher": "microsoft-dsvm", "offer": "ubuntu-hpc", "sku": "2204", "version": "latest"},
            "osDisk": {
                "createOption": "FromImage",
                "deleteOption": "Delete",
                "diskSizeGB": 200,
                "managedDisk": {"storageAccountType": "Premium_LRS"},
            },
        },
        "osProfile": {
            "computerNamePrefix": "node",
            "adminUsername": "ops",
            "customData": "I2Nsb3VkLWNvbmZpZwo=",
            "linuxConfiguration": {
                "disablePasswordAuthentication": True,
                "ssh": {"publicKeys": [{"path": "/home/ops/.ssh/authorized_keys", "keyData": "ssh-ed25519 AAAA nobody"}]},
            },
        },
        "networkProfile": {"networkApiVersion": "2020-11-01", "networkInterfaceConfigurations": [nic()]},
    } | more  # fmt: skip


def scale_set(**more: Any) -> Json:
    """A Flexible spot scale set; `more` overrides top-level inputs."""
    return PLACE | {
        "vmScaleSetName": "nodes",
        "orchestrationMode": "Flexible",
        "platformFaultDomainCount": 1,
        "singlePlacementGroup": False,
        "zones": ["1", "2"],
        "sku": {"name": T4, "tier": "Standard", "capacity": 2},
        "virtualMachineProfile": machine(),
    } | more  # fmt: skip


RULE: Json = {
    "name": "service",
    "priority": 100,
    "direction": "Inbound",
    "access": "Allow",
    "protocol": "Tcp",
    "sourceAddressPrefix": "AzureFrontDoor.Backend",
    "sourcePortRange": "*",
    "destinationAddressPrefix": "*",
    "destinationPortRange": "8000",
}
FORWARD: Json = {
    "name": "main",
    "protocol": "Tcp",
    "frontendPort": 8000,
    "backendPort": 8000,
    "frontendIPConfiguration": part("frontendIPConfigurations"),
    "backendAddressPool": part("backendAddressPools"),
    "probe": part("probes"),
    "idleTimeoutInMinutes": 30,
    "enableTcpReset": True,
    "disableOutboundSnat": True,
}
SAMPLES: dict[str, Json] = {
    "azure-native:resources:ResourceGroup": {
        "resourceGroupName": "group", "location": "eastus", "tags": {"stack": "test"},
    },
    "azure-native:network:VirtualNetwork": PLACE | {
        "virtualNetworkName": "net", "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "enableDdosProtection": False,
    },
    "azure-native:network:NetworkSecurityGroup": PLACE | {
        "networkSecurityGroupName": "wall", "securityRules": [RULE],
    },
    "azure-native:network:PublicIPAddress": PLACE | {
        "publicIpAddressName": "address", "sku": {"name": "Standard"},
        "publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4",
    },
    "azure-native:network:NatGateway": PLACE | {
        "natGatewayName": "nat", "sku": {"name": "Standard"}, "idleTimeoutInMinutes": 10,
        "publicIpAddresses": [{"id": f"{NET}/publicIPAddresses/egress"}],
    },
    "azure-native:network:Subnet": {
        "resourceGroupName": "group", "virtualNetworkName": "net", "subnetName": "sub",
        "addressPrefix": "10.0.0.0/20", "defaultOutboundAccess": False,
        "natGateway": {"id": f"{NET}/natGateways/nat"},
        "networkSecurityGroup": {"id": f"{NET}/networkSecurityGroups/wall"},
    },
    "azure-native:network:LoadBalancer": PLACE | {
        "loadBalancerName": "balancer", "sku": {"name": "Standard"},
        "frontendIPConfigurations": [
            {"name": "main", "publicIPAddress": {"id": f"{NET}/publicIPAddresses/address"}}
        ],
        "backendAddressPools": [{"name": "main"}],
        "probes": [{"name": "main", "protocol": "Http", "port": 8000, "requestPath": "/health",
                    "intervalInSeconds": 5, "probeThreshold": 2}],
        "loadBalancingRules": [FORWARD],
    },
    "azure-native:compute:VirtualMachineScaleSet": scale_set(),
    "azure-native:cdn:Profile": {
        "resourceGroupName": "group", "profileName": "front", "location": "global",
        "sku": {"name": "Standard_AzureFrontDoor"}, "originResponseTimeoutSeconds": 240, "tags": {"stack": "test"},
    },
    "azure-native:cdn:AFDEndpoint": PART | {
        "endpointName": "door", "location": "global", "enabledState": "Enabled", "tags": {"stack": "test"},
    },
    "azure-native:cdn:AFDOriginGroup": PART | {
        "originGroupName": "cells", "sessionAffinityState": "Disabled",
        "healthProbeSettings": {"probePath": "/health", "probeProtocol": "Http", "probeRequestType": "GET",
                                "probeIntervalInSeconds": 10},
        "loadBalancingSettings": {"sampleSize": 4, "successfulSamplesRequired": 2,
                                  "additionalLatencyInMilliseconds": 1000},
    },
    "azure-native:cdn:AFDOrigin": PART | {
        "originGroupName": "cells", "originName": "cell", "hostName": "cell.example.com", "httpPort": 8000,
        "originHostHeader": "cell.example.com", "priority": 1, "weight": 500, "enabledState": "Enabled",
    },
    "azure-native:cdn:Route": PART | {
        "endpointName": "door", "routeName": "all", "originGroup": {"id": f"{CDN}/originGroups/cells"},
        "patternsToMatch": ["/*"], "supportedProtocols": ["Http", "Https"], "forwardingProtocol": "HttpOnly",
        "httpsRedirect": "Enabled", "linkToDefaultDomain": "Enabled", "enabledState": "Enabled",
    },
    "azure-native:managedidentity:UserAssignedIdentity": PLACE | {"resourceName": "worker"},
    "azure-native:authorization:RoleDefinition": {
        "scope": GROUP, "roleDefinitionId": "11111111-aaaa-bbbb-cccc-000000000001", "roleName": "Resizer",
        "description": "Sets sizes", "roleType": "CustomRole", "assignableScopes": [GROUP],
        "permissions": [{"actions": ["Microsoft.Compute/virtualMachineScaleSets/read"], "notActions": []}],
    },
    "azure-native:authorization:RoleAssignment": {
        "scope": GROUP, "roleAssignmentName": "11111111-aaaa-bbbb-cccc-000000000002",
        "principalType": "ServicePrincipal",
        "roleDefinitionId": f"{GROUP}/providers/Microsoft.Authorization/roleDefinitions/11111111-aaaa-bbbb-cccc-000000000001",
        "principalId": "of the identity worker",
    },
    "azure-native:storage:StorageAccount": PLACE | {
        "accountName": "letters", "kind": "StorageV2", "sku": {"name": "Standard_ZRS"}, "allowSharedKeyAccess": False,
        "allowBlobPublicAccess": False, "minimumTlsVersion": "TLS1_2", "enableHttpsTrafficOnly": True,
    },
    "azure-native:storage:BlobContainer": IN_ACCOUNT | {"containerName": "plan", "publicAccess": "None"},
    "azure-native:storage:Queue": IN_ACCOUNT | {"queueName": "notices", "metadata": {"of": "machines"}},
    "azure-native:storage:Blob": IN_ACCOUNT | {
        "containerName": "plan", "blobName": "plan.json", "type": "Block", "contentType": "application/json",
        "source": {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "{}", "hash": "0"},
    },
    "azure-native:operationalinsights:Workspace": PLACE | {
        "workspaceName": "logs", "retentionInDays": 30, "sku": {"name": "PerGB2018"},
    },
    "azure-native:applicationinsights:Component": PLACE | {
        "resourceName": "insights", "kind": "web", "applicationType": "web", "disableLocalAuth": True,
        "workspaceResourceId": f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs",
    },
    "azure-native:monitor:ScheduledQueryRule": PLACE | {
        "ruleName": "errors", "severity": 2, "enabled": True, "evaluationFrequency": "PT5M", "windowSize": "PT5M",
        "scopes": [f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs"], "kind": "LogAlert",
        "criteria": {"allOf": [{"query": "AppExceptions", "timeAggregation": "Count", "operator": "GreaterThan", "threshold": 0}]},
    },
    "azure-native:web:AppServicePlan": PLACE | {
        "name": "plan", "kind": "functionapp", "reserved": True, "sku": {"name": "FC1", "tier": "FlexConsumption"},
    },
    "azure-native:web:WebApp": PLACE | {
        "name": "app", "kind": "functionapp,linux", "httpsOnly": True, "reserved": True,
        "serverFarmId": f"{GROUP}/providers/Microsoft.Web/serverfarms/plan",
        "identity": {
            "type": "UserAssigned",
            "userAssignedIdentities": [f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker"],
        },
        "functionAppConfig": {
            "deployment": {"storage": {
                "type": "blobContainer", "value": "https://letters.blob.core.windows.net/plan",
                "authentication": {"type": "UserAssignedIdentity", "userAssignedIdentityResourceId": "/subscriptions/x"},
            }},
            "runtime": {"name": "python", "version": "3.13"},
            "scaleAndConcurrency": {"maximumInstanceCount": 40, "instanceMemoryMB": 512,
                                    "alwaysReady": [{"name": "function:notices", "instanceCount": 1}]},
        },
        "siteConfig": {"appSettings": [{"name": "A", "value": "1"}], "minTlsVersion": "1.2"},
    },
    "azure-native:eventgrid:SystemTopic": PLACE | {
        "systemTopicName": "blobs", "source": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/letters",
        "topicType": "Microsoft.Storage.StorageAccounts",
        "identity": {
            "type": "UserAssigned",
            "userAssignedIdentities": {f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker": {}},
        },
    },
    "azure-native:eventgrid:SystemTopicEventSubscription": {
        "resourceGroupName": "group", "systemTopicName": "blobs", "eventSubscriptionName": "plans",
        "eventDeliverySchema": "CloudEventSchemaV1_0",
        "deliveryWithResourceIdentity": {
            "identity": {"type": "UserAssigned", "userAssignedIdentity": f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker"},
            "destination": {
                "endpointType": "StorageQueue", "queueName": "notices", "queueMessageTimeToLiveInSeconds": 300,
                "resourceId": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/letters",
            },
        },
        "filter": {"includedEventTypes": ["Microsoft.Storage.BlobCreated"], "subjectEndsWith": "/blobs/plan.json"},
        "retryPolicy": {"maxDeliveryAttempts": 5, "eventTimeToLiveInMinutes": 5},
    },
}  # fmt: skip
"""By token, in an order in which each finds what it points at."""

ROWS: dict[str, Kind] = {kind.token: kind for kind in KINDS}


def account(folder: Path) -> Context:
    """An empty subscription."""
    return Context(World(folder / "clouds.db", MARKET), "azure", "eastus", ACCOUNT)


def create(ctx: Context, token: str, inputs: Json) -> Record:
    """What the provider does for a new resource."""
    kind = ROWS[token]
    body = kind.body(inputs)
    with ctx.world.change():
        kind.check(ctx, body, CREATE)
        return kind.create(ctx, body, inputs)


def given(token: str, inputs: Json, made: dict[str, Record]) -> Json:
    """A sample's inputs, with what only a made resource knows: the principal of an identity."""
    if "principalId" not in inputs:
        return inputs
    identity = made["azure-native:managedidentity:UserAssignedIdentity"]
    return inputs | {"principalId": identity.live["principalId"]}


def everything(ctx: Context) -> dict[str, Record]:
    """All samples created, by token; the gateway has a public address of its own."""
    address = "azure-native:network:PublicIPAddress"
    made = {}
    for token, inputs in SAMPLES.items():
        made[token] = create(ctx, token, given(token, inputs, made))
        if token == address:
            create(ctx, token, inputs | {"publicIpAddressName": "egress"})
    return made

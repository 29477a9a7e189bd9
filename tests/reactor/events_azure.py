"""Messages of the notices' queue as they reach the function on Azure, recorded from the documented shapes."""

from __future__ import annotations

from typing import Any

_MACHINE = (
    "/subscriptions/S/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/nodes_1a2b3c4d"
)
NOTICE: dict[str, Any] = {
    "skyblend": 1,
    "cloud": "azure",
    "region": "eastus",
    "machine": "nodes_1a2b3c4d",
    "kind": "interrupt",
    "deadline": "2026-11-22T06:30:00Z",
    "pool": "azure-eastus-t4x1-tp1-spot",
}
ANNOTATED: dict[str, Any] = {
    "id": "e1",
    "source": "/subscriptions/S",
    "subject": _MACHINE,
    "type": "Microsoft.ResourceNotifications.HealthResources.ResourceAnnotated",
    "time": "2026-11-22T06:29:30Z",
    "specversion": "1.0",
    "data": {
        "resourceInfo": {
            "id": f"{_MACHINE}/providers/Microsoft.ResourceHealth/resourceAnnotations/current",
            "name": "current",
            "type": "Microsoft.ResourceHealth/resourceAnnotations",
            "properties": {"annotationName": "VirtualMachineLowPriority", "reason": "Unplanned"},
        },
        "apiVersion": "2022-08-01",
    },
}
CREATED: dict[str, Any] = {
    "id": "c1",
    "topic": "/subscriptions/S/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a",
    "subject": "/blobServices/default/containers/plan/blobs/plan.json",
    "eventType": "Microsoft.Storage.BlobCreated",
    "eventTime": "2026-11-22T06:28:05Z",
    "data": {"api": "PutBlob", "eTag": "0x1", "contentLength": 900, "blobType": "BlockBlob"},
    "dataVersion": "",
    "metadataVersion": "1",
}

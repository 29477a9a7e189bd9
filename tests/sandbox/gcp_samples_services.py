"""Samples of identities, buckets, topics, functions and what goes between them."""

from __future__ import annotations

from sandbox.assets import SIGNATURE
from tests.sandbox.gcp_sample import PROJECT, REGION, Sample

_AT = {"project": PROJECT}
_EMAIL = f"robot-account@{PROJECT}.iam.gserviceaccount.com"
_MEMBER = f"serviceAccount:{_EMAIL}"
_TOPIC = f"projects/{PROJECT}/topics/events"
_LABELS = {"team": "serving"}
_IF = {"title": "office", "expression": "request.time.getHours() < 18", "description": "hours"}
_URL = f"https://{REGION}-{PROJECT}.cloudfunctions.net/hello"
_OIDC = {"serviceAccountEmail": _EMAIL, "audience": _URL}

IDENTITIES = (
    Sample(
        "service account",
        "gcp:serviceaccount/account:Account",
        {**_AT, "accountId": "robot-account", "displayName": "a robot", "description": "works"},
    ),
    Sample(
        "custom role",
        "gcp:projects/iAMCustomRole:IAMCustomRole",
        {
            **_AT,
            "roleId": "resizer",
            "title": "Resizer",
            "description": "resizes",
            "stage": "GA",
            "permissions": ["compute.instanceGroupManagers.update"],
        },
    ),
    Sample(
        "service identity",
        "gcp:projects/serviceIdentity:ServiceIdentity",
        {**_AT, "service": "pubsub.googleapis.com"},
    ),
    Sample(
        "project member",
        "gcp:projects/iAMMember:IAMMember",
        {
            **_AT,
            "role": f"projects/{PROJECT}/roles/resizer",
            "member": _MEMBER,
            "condition": _IF,
        },
    ),
)

STORAGE = (
    Sample(
        "bucket",
        "gcp:storage/bucket:Bucket",
        {
            **_AT,
            "name": "things",
            "location": REGION,
            "labels": _LABELS,
            "storageClass": "STANDARD",
            "versioning": {"enabled": True},
            "website": {"mainPageSuffix": "index.html"},
            "rpo": "DEFAULT",
            "autoclass": {"enabled": False},
            "defaultEventBasedHold": False,
            "hierarchicalNamespace": {"enabled": False},
            "requesterPays": False,
            "uniformBucketLevelAccess": True,
            "publicAccessPrevention": "enforced",
            "softDeletePolicy": {"retentionDurationSeconds": 0},
            "forceDestroy": True,
        },
    ),
    Sample(
        "object with text",
        "gcp:storage/bucketObject:BucketObject",
        {
            **_AT,
            "bucket": "things",
            "name": "thing.json",
            "content": "{}",
            "cacheControl": "no-store",
            "contentType": "application/json",
            "contentLanguage": "en",
            "contentDisposition": "inline",
            "metadata": {"of": "tests"},
            "storageClass": "STANDARD",
            "eventBasedHold": False,
            "temporaryHold": False,
        },
    ),
    Sample(
        "object with a file's text",
        "gcp:storage/bucketObject:BucketObject",
        {
            **_AT,
            "bucket": "things",
            "name": "code.zip",
            "source": {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": "zip"},
        },
    ),
    Sample(
        "bucket member",
        "gcp:storage/bucketIAMMember:BucketIAMMember",
        {**_AT, "bucket": "things", "role": "roles/storage.objectUser", "member": _MEMBER},
    ),
)

MESSAGES = (
    Sample(
        "topic",
        "gcp:pubsub/topic:Topic",
        {**_AT, "name": "events", "labels": _LABELS, "messageRetentionDuration": "600s"},
    ),
    Sample(
        "topic member",
        "gcp:pubsub/topicIAMMember:TopicIAMMember",
        {**_AT, "topic": _TOPIC, "role": "roles/pubsub.publisher", "member": _MEMBER},
    ),
    Sample(
        "subscription",
        "gcp:pubsub/subscription:Subscription",
        {
            **_AT,
            "name": "to-hello",
            "topic": _TOPIC,
            "labels": _LABELS,
            "ackDeadlineSeconds": 60,
            "messageRetentionDuration": "600s",
            "retainAckedMessages": False,
            "enableMessageOrdering": False,
            "enableExactlyOnceDelivery": False,
            "filter": "attributes:objectId",
            "expirationPolicy": {"ttl": ""},
            "retryPolicy": {"minimumBackoff": "1s", "maximumBackoff": "10s"},
            "deadLetterPolicy": {"deadLetterTopic": _TOPIC, "maxDeliveryAttempts": 5},
            "pushConfig": {"pushEndpoint": _URL, "oidcToken": _OIDC},
        },
    ),
    Sample(
        "subscription member",
        "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember",
        {**_AT, "subscription": "to-hello", "role": "roles/pubsub.subscriber", "member": _MEMBER},
    ),
    Sample(
        "notification",
        "gcp:storage/notification:Notification",
        {
            **_AT,
            "bucket": "things",
            "topic": _TOPIC,
            "payloadFormat": "NONE",
            "eventTypes": ["OBJECT_FINALIZE"],
            "objectNamePrefix": "thing",
            "customAttributes": {"a": "b"},
        },
    ),
    Sample(
        "sink",
        "gcp:logging/projectSink:ProjectSink",
        {
            **_AT,
            "name": "preempted",
            "destination": f"pubsub.googleapis.com/{_TOPIC}",
            "filter": 'resource.type="gce_instance"',
            "description": "preemptions",
            "disabled": False,
            "uniqueWriterIdentity": True,
        },
    ),
    Sample(
        "job",
        "gcp:cloudscheduler/job:Job",
        {
            **_AT,
            "region": REGION,
            "name": "tick",
            "description": "a tick",
            "schedule": "* * * * *",
            "timeZone": "Etc/UTC",
            "attemptDeadline": "60s",
            "httpTarget": {
                "uri": _URL,
                "httpMethod": "POST",
                "body": "e30=",
                "headers": {"Content-Type": "application/json"},
                "oidcToken": _OIDC,
            },
            "retryConfig": {"retryCount": 1, "minBackoffDuration": "5s"},
        },
    ),
)

FUNCTIONS = (
    Sample(
        "function",
        "gcp:cloudfunctionsv2/function:Function",
        {
            **_AT,
            "location": REGION,
            "name": "hello",
            "description": "says hello",
            "labels": _LABELS,
            "buildConfig": {
                "runtime": "python312",
                "entryPoint": "hello",
                "environmentVariables": {"A": "b"},
                "source": {"storageSource": {"bucket": "things", "object": "code.zip"}},
            },
            "serviceConfig": {
                "serviceAccountEmail": _EMAIL,
                "availableMemory": "512Mi",
                "availableCpu": "1",
                "timeoutSeconds": 60,
                "minInstanceCount": 0,
                "maxInstanceCount": 3,
                "maxInstanceRequestConcurrency": 8,
                "ingressSettings": "ALLOW_ALL",
                "environmentVariables": {"WHO": "world"},
                "secretEnvironmentVariables": [
                    {"key": "KEY", "projectId": PROJECT, "secret": "key", "version": "latest"}
                ],
            },
        },
    ),
    Sample(
        "service member",
        "gcp:cloudrunv2/serviceIamMember:ServiceIamMember",
        {
            **_AT,
            "location": REGION,
            "name": "hello",
            "role": "roles/run.invoker",
            "member": _MEMBER,
        },
    ),
    Sample(
        "secret member",
        "gcp:secretmanager/secretIamMember:SecretIamMember",
        {
            **_AT,
            "secretId": "key",
            "role": "roles/secretmanager.secretAccessor",
            "member": _MEMBER,
        },
    ),
    Sample(
        "alert policy",
        "gcp:monitoring/alertPolicy:AlertPolicy",
        {
            **_AT,
            "displayName": "errors",
            "combiner": "OR",
            "enabled": True,
            "severity": "ERROR",
            "userLabels": _LABELS,
            "notificationChannels": [f"projects/{PROJECT}/notificationChannels/1"],
            "documentation": {"content": "look", "mimeType": "text/markdown"},
            "alertStrategy": {"autoClose": "1800s"},
            "conditions": [
                {
                    "displayName": "errors",
                    "conditionThreshold": {
                        "filter": 'metric.type="run.googleapis.com/request_count"',
                        "comparison": "COMPARISON_GT",
                        "thresholdValue": 3,
                        "duration": "0s",
                        "trigger": {"count": 1},
                        "aggregations": [
                            {"alignmentPeriod": "300s", "perSeriesAligner": "ALIGN_DELTA"}
                        ],
                    },
                }
            ],
        },
    ),
)
SERVICES = (*IDENTITIES, *STORAGE, *MESSAGES, *FUNCTIONS)

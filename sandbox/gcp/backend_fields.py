"""The field map of a backend service, the widest of the API."""

from __future__ import annotations

from sandbox.fields import Fields, many, member, nested
from sandbox.gcp.shapes import duration, only_one, same

_COOKIE = {**same("name", "path"), "ttl": duration("ttl")}

_BACKEND: Fields = {
    **same("group", "balancingMode", "capacityScaler", "description", "failover"),
    **same("maxConnections", "maxConnectionsPerEndpoint", "maxConnectionsPerInstance"),
    **same("maxInFlightRequests", "maxInFlightRequestsPerEndpoint"),
    **same("maxInFlightRequestsPerInstance", "trafficDuration", "maxUtilization"),
    **same("maxRate", "maxRatePerEndpoint", "maxRatePerInstance"),
    "customMetrics": many("customMetrics", same("name", "dryRun", "maxUtilization")),
}

_CDN: Fields = {
    **same("cacheMode", "clientTtl", "defaultTtl", "maxTtl", "negativeCaching", "serveWhileStale"),
    "signedUrlCacheMaxAgeSec": member("signedUrlCacheMaxAgeSec", str, int),
    "negativeCachingPolicies": many("negativeCachingPolicy", same("code", "ttl")),
    "cacheKeyPolicy": nested(
        "cacheKeyPolicy",
        {
            **same("includeHost", "includeNamedCookies", "includeProtocol", "includeQueryString"),
            "queryStringBlacklists": member("queryStringBlacklist"),
            "queryStringWhitelists": member("queryStringWhitelist"),
        },
    ),
}

_OUTLIER_DETECTION: Fields = {
    "baseEjectionTime": duration("baseEjectionTime"),
    "interval": duration("interval"),
    **same("consecutiveErrors", "consecutiveGatewayFailure", "enforcingConsecutiveErrors"),
    **same("enforcingConsecutiveGatewayFailure", "enforcingSuccessRate", "maxEjectionPercent"),
    **same("successRateMinimumHosts", "successRateRequestVolume", "successRateStdevFactor"),
}

_CIRCUIT_BREAKERS = same(
    *("maxConnections", "maxPendingRequests", "maxRequests"),
    *("maxRequestsPerConnection", "maxRetries"),
)

_CONSISTENT_HASH: Fields = {
    "httpCookie": nested("httpCookie", _COOKIE),
    "httpHeaderName": member("httpHeaderName"),
    "minimumRingSize": member("minimumRingSize", str, int),
}

_HA_POLICY: Fields = {
    "fastIpMove": member("fastIPMove"),
    "leader": nested(
        "leader",
        {
            "backendGroup": member("backendGroup"),
            "networkEndpoint": nested("networkEndpoint", same("instance")),
        },
    ),
}

BACKEND_SERVICE: Fields = {
    **same("name", "description", "loadBalancingScheme", "protocol", "portName", "timeoutSec"),
    **same("network", "sessionAffinity", "affinityCookieTtlSec", "localityLbPolicy"),
    **same("securityPolicy", "serviceLbPolicy", "ipAddressSelectionPolicy"),
    "enableCdn": member("enableCDN"),
    "healthChecks": only_one("healthChecks"),
    "backends": many("backends", _BACKEND),
    "connectionDrainingTimeoutSec": member("connectionDraining.drainingTimeoutSec"),
    "connectionTrackingPolicy": nested(
        "connectionTrackingPolicy",
        same(
            *("connectionPersistenceOnUnhealthyBackends", "enableStrongAffinity"),
            *("idleTimeoutSec", "trackingMode"),
        ),
    ),
    "failoverPolicy": nested(
        "failoverPolicy",
        same("disableConnectionDrainOnFailover", "dropTrafficIfUnhealthy", "failoverRatio"),
    ),
    "logConfig": nested(
        "logConfig",
        {
            **same("enable", "sampleRate", "optionalMode", "optionalFields"),
            "requestHeaders": many("loggingHttpRequestHeaders", same("headerName")),
            "responseHeaders": many("loggingHttpResponseHeaders", same("headerName")),
        },
    ),
    "circuitBreakers": nested("circuitBreakers", _CIRCUIT_BREAKERS),
    "consistentHash": nested("consistentHash", _CONSISTENT_HASH),
    "outlierDetection": nested("outlierDetection", _OUTLIER_DETECTION),
    "cdnPolicy": nested("cdnPolicy", _CDN),
    "customMetrics": many("customMetrics", same("name", "dryRun")),
    "dynamicForwarding": nested(
        "dynamicForwarding",
        {
            "forwardProxy": nested("forwardProxy", same("enabled", "proxyMode")),
            "ipPortSelection": nested("ipPortSelection", same("enabled")),
        },
    ),
    "haPolicy": nested("haPolicy", _HA_POLICY),
    "iap": nested("iap", same("enabled", "oauth2ClientId", "oauth2ClientSecret")),
    "networkPassThroughLbTrafficPolicy": nested(
        "networkPassThroughLbTrafficPolicy",
        {"zonalAffinity": nested("zonalAffinity", same("spillover", "spilloverRatio"))},
    ),
    "params": nested("params", same("resourceManagerTags")),
    "strongSessionAffinityCookie": nested("strongSessionAffinityCookie", _COOKIE),
    "subsetting": nested("subsetting", same("policy", "subsetSize")),
    "tlsSettings": nested(
        "tlsSettings",
        {
            **same("authenticationConfig", "sni"),
            "subjectAltNames": many(
                "subjectAltNames", same("dnsName", "uniformResourceIdentifier")
            ),
        },
    ),
}

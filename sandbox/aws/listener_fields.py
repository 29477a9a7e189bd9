"""The inputs of a load balancer's listener."""

from __future__ import annotations

from sandbox.aws.attributes import attribute
from sandbox.aws.members import pairs, same, unpaired
from sandbox.fields import Field, Fields, many, member, nested

_ATTRIBUTES = "ModifyListenerAttributes"
_AUTHENTICATE = (
    "authenticationRequestExtraParams",
    "onUnauthenticatedRequest",
    "scope",
    "sessionCookieName",
    "sessionTimeout",
)
_ACTION: Fields = {
    **same("order", "targetGroupArn", "type"),
    "authenticateCognito": nested(
        "AuthenticateCognitoConfig",
        same(*_AUTHENTICATE, "userPoolArn", "userPoolClientId", "userPoolDomain"),
    ),
    "authenticateOidc": nested(
        "AuthenticateOidcConfig",
        same(
            *_AUTHENTICATE,
            "authorizationEndpoint",
            "clientId",
            "clientSecret",
            "issuer",
            "tokenEndpoint",
            "userInfoEndpoint",
        ),
    ),
    "fixedResponse": nested(
        "FixedResponseConfig", same("contentType", "messageBody", "statusCode")
    ),
    "forward": nested(
        "ForwardConfig",
        {
            "stickiness": nested(
                "TargetGroupStickinessConfig",
                {"duration": member("DurationSeconds"), "enabled": member("Enabled")},
            ),
            "targetGroups": many(
                "TargetGroups", {"arn": member("TargetGroupArn"), "weight": member("Weight")}
            ),
        },
    ),
    "jwtValidation": nested(
        "JwtValidationConfig",
        {
            **same("issuer", "jwksEndpoint"),
            "additionalClaims": many("AdditionalClaims", same("format", "name", "values")),
        },
    ),
    "redirect": nested(
        "RedirectConfig", same("host", "path", "port", "protocol", "query", "statusCode")
    ),
}
_REQUEST_HEADERS = {
    "XAmznMtlsClientcert": "x_amzn_mtls_clientcert",
    "XAmznMtlsClientcertIssuer": "x_amzn_mtls_clientcert_issuer",
    "XAmznMtlsClientcertLeaf": "x_amzn_mtls_clientcert_leaf",
    "XAmznMtlsClientcertSerialNumber": "x_amzn_mtls_clientcert_serial_number",
    "XAmznMtlsClientcertSubject": "x_amzn_mtls_clientcert_subject",
    "XAmznMtlsClientcertValidity": "x_amzn_mtls_clientcert_validity",
    "XAmznTlsCipherSuite": "x_amzn_tls_cipher_suite",
    "XAmznTlsVersion": "x_amzn_tls_version",
}
_RESPONSE_HEADERS = {
    "AccessControlAllowCredentials": "access_control_allow_credentials",
    "AccessControlAllowHeaders": "access_control_allow_headers",
    "AccessControlAllowMethods": "access_control_allow_methods",
    "AccessControlAllowOrigin": "access_control_allow_origin",
    "AccessControlExposeHeaders": "access_control_expose_headers",
    "AccessControlMaxAge": "access_control_max_age",
    "ContentSecurityPolicy": "content_security_policy",
    "StrictTransportSecurity": "strict_transport_security",
    "XContentTypeOptions": "x_content_type_options",
    "XFrameOptions": "x_frame_options",
}

FIELDS: dict[str, Field] = {
    **same("loadBalancerArn", "port", "protocol", "sslPolicy"),
    "alpnPolicy": member("AlpnPolicy", lambda one: [one], lambda all_: all_[0]),
    "certificateArn": member(
        "Certificates",
        lambda arn: [{"CertificateArn": arn}],
        lambda all_: all_[0]["CertificateArn"],
    ),
    "defaultActions": many("DefaultActions", _ACTION),
    "mutualAuthentication": nested(
        "MutualAuthentication",
        same(
            "advertiseTrustStoreCaNames",
            "ignoreClientCertificateExpiry",
            "mode",
            "trustStoreArn",
        ),
    ),
    **{
        f"routingHttpRequest{name}HeaderName": attribute(
            _ATTRIBUTES, f"routing.http.request.{key}.header_name"
        )
        for name, key in _REQUEST_HEADERS.items()
    },
    **{
        f"routingHttpResponse{name}HeaderValue": attribute(
            _ATTRIBUTES, f"routing.http.response.{key}.header_value"
        )
        for name, key in _RESPONSE_HEADERS.items()
    },
    "routingHttpResponseServerEnabled": attribute(
        _ATTRIBUTES, "routing.http.response.server.enabled", bool
    ),
    "tags": member("Tags", pairs, unpaired),
    "tcpIdleTimeoutSeconds": attribute(_ATTRIBUTES, "tcp.idle_timeout.seconds", int),
}

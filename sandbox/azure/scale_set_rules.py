"""What Azure refuses of a scale set whatever else there is."""

from __future__ import annotations

import re

from sandbox.azure.arm import known_value, look
from sandbox.fields import UNKNOWN, Json, get
from sandbox.kind import CREATE
from sandbox.refusal import Refusal
from sandbox.world import Record

PROFILE = "properties.virtualMachineProfile"
NETWORK_API = "2020-11-01"
_RULE = "InvalidParameter"
_FIXED = (
    "properties.orchestrationMode",
    "properties.platformFaultDomainCount",
    f"{PROFILE}.priority",
)


def is_spot(body: Json) -> bool:
    """Whether machines are bought on the spot market; words are taken in any case."""
    return str(known_value(body, f"{PROFILE}.priority")).lower() in ("spot", "low")


def check_spot(body: Json) -> None:
    """What belongs to spot machines, or does not go with them."""
    profile = known_value(body, PROFILE) or {}
    if profile.get("priority") == UNKNOWN:
        return
    price = get(profile, "billingProfile.maxPrice")
    if not is_spot(body):
        if "evictionPolicy" in profile:
            raise Refusal(
                "OperationNotAllowed",
                "Eviction policy can be set only on Azure Spot Virtual Machines.",
            )
        if price is not None:
            raise Refusal(
                "OperationNotAllowed",
                "Max price is supported only for Azure Spot Virtual Machines.",
            )
        return
    if isinstance(price, int | float) and price != -1 and price <= 0:
        raise Refusal(
            _RULE,
            "Invalid max price value. The only supported values for max price are -1 or a decimal greater than zero.",
        )
    if look(profile, "scheduledEventsProfile.terminateNotificationProfile.enable") is True:
        raise Refusal(
            "OperationNotAllowed",
            "Terminate notification cannot be enabled on Azure Spot Virtual Machine Scale Sets.",
        )


def check_machines(body: Json) -> None:
    """Size, number, names and log-in of the machines."""
    if look(body, "sku") is None and look(body, PROFILE) is not None:
        raise _missing("sku")
    capacity = known_value(body, "sku.capacity")
    if isinstance(capacity, int) and not 0 <= capacity <= 1000:
        raise Refusal(
            _RULE, f"The value {capacity} of parameter 'sku.capacity' is out of range: 0 to 1000."
        )
    system = known_value(body, f"{PROFILE}.osProfile") or {}
    prefix = system.get("computerNamePrefix")
    longest = 9 if "windowsConfiguration" in system else 58
    if isinstance(prefix, str) and prefix != UNKNOWN and not _is_name(prefix, longest):
        raise Refusal(
            _RULE,
            f"The value '{prefix}' of parameter 'computerNamePrefix' must be 1 to {longest} letters, digits and hyphens.",
        )
    linux = "linuxConfiguration"
    locked = look(system, f"{linux}.disablePasswordAuthentication") is True
    if locked and not look(system, f"{linux}.ssh.publicKeys"):
        raise Refusal(
            _RULE,
            "Authentication using either SSH or by user name and password must be enabled in Linux profile.",
        )


def check_mode(body: Json, verb: str) -> None:
    """What one orchestration mode demands or does not know."""
    mode = str(known_value(body, "properties.orchestrationMode")).lower()
    if mode == "uniform" and look(body, "properties.upgradePolicy") is None:
        raise _missing("upgradePolicy")
    if mode == "flexible":
        _check_flexible(body, verb)


def _check_flexible(body: Json, verb: str) -> None:
    inside = body["properties"]
    if "spotRestorePolicy" in inside:
        raise Refusal(
            _RULE,
            "The property 'spotRestorePolicy' is not valid for Virtual Machine Scale Sets in Flexible mode.",
        )
    if verb == CREATE and "platformFaultDomainCount" not in inside:
        raise _missing("platformFaultDomainCount")
    count = inside.get("platformFaultDomainCount")
    if known_value(body, "zones") and isinstance(count, int) and count > 1:
        raise Refusal(
            _RULE,
            "Specifying Availability Zones is not allowed when Virtual Machine Scale Set has platformFaultDomainCount "
            "higher than 1 with OrchestrationMode: 'Flexible'.",
        )
    network = known_value(body, f"{PROFILE}.networkProfile") or {}
    if network.get("networkInterfaceConfigurations") and "networkApiVersion" not in network:
        raise Refusal(
            _RULE,
            "Required parameter 'networkProfile.networkApiVersion' is missing (null): Flexible orchestration needs "
            f"{NETWORK_API} or later.",
        )


def check_change(record: Record, body: Json) -> None:
    """Refuse to change what a scale set has for life; zones can be added, not taken away."""
    for path in _FIXED:
        old, new = get(record.body, path), get(body, path)
        if None not in (old, new) and str(old).lower() != str(new).lower():
            raise _fixed(path.rsplit(".", 1)[-1])
    if set(record.body.get("zones", ())) - set(body.get("zones", ())):
        raise _fixed("zones")


def _is_name(prefix: str, longest: int) -> bool:
    return 0 < len(prefix) <= longest and bool(re.fullmatch(r"[\w-]+", prefix))


def _missing(parameter: str) -> Refusal:
    return Refusal(_RULE, f"Required parameter '{parameter}' is missing (null).")


def _fixed(name: str) -> Refusal:
    return Refusal("PropertyChangeNotAllowed", f"Changing property '{name}' is not allowed.")

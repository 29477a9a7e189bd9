"""What an instance template may not say: scheduling, accelerators and disks that do not go together.

Some of these the real cloud says only when a group starts the first machine; the emulated one says all of them when
the template is made, where they can be seen.
"""

from __future__ import annotations

from sandbox.fields import UNKNOWN, Json
from sandbox.gcp import refusals
from sandbox.gcp.places import given
from sandbox.gcp.series import series_of
from sandbox.gcp.shapes import known

_PROPERTIES = "resource.properties"
_SCHEDULING = f"{_PROPERTIES}.scheduling"
_LARGEST_METADATA = 262_144


def check_template(properties: Json) -> None:
    """Raise for the first combination that does not work."""
    scheduling = properties.get("scheduling", {})
    if scheduling != UNKNOWN:
        _check_spot(scheduling)
    _check_metadata(properties)
    machine_type = properties.get("machineType")
    if known(machine_type):
        _check_accelerators(machine_type, properties)
        _check_disks(machine_type, properties)
        if scheduling != UNKNOWN:
            _check_maintenance(machine_type, properties, scheduling)


def is_spot(scheduling: Json) -> bool:
    """Whether machines are preemptible, under the new or the old name."""
    return scheduling.get("provisioningModel") == "SPOT" or scheduling.get("preemptible") is True


def _check_spot(scheduling: Json) -> None:
    model = scheduling.get("provisioningModel")
    if not is_spot(scheduling):
        if known(model) and scheduling.get("preemptionNoticeDuration") is not None:
            raise refusals.invalid(
                f"{_SCHEDULING}.preemptionNoticeDuration",
                scheduling["preemptionNoticeDuration"],
                "Preemption notice duration can only be specified for Spot VMs.",
            )
        return
    # The provider sends automatic_restart = true and preemptible = false unless the program says otherwise.
    preemptible = scheduling.get("preemptible", False)
    conflicts = []
    if scheduling.get("automaticRestart", True) is True:
        conflicts.append("Scheduling must have preemptible be false when AutomaticRestart is true.")
    policy = scheduling.get("onHostMaintenance")
    if known(policy) and policy != "TERMINATE":
        conflicts.append(
            "Scheduling must have preemptible be false when OnHostMaintenance isn't TERMINATE."
        )
    if conflicts:
        raise refusals.invalid(f"{_SCHEDULING}.preemptible", True, " ".join(conflicts))
    if preemptible is False:
        raise refusals.invalid(
            f"{_SCHEDULING}.preemptible",
            preemptible,
            "Scheduling must have preemptible be true when ProvisioningModel is SPOT.",
        )


def _check_metadata(properties: Json) -> None:
    for where, value in given(properties, "metadata.items[].value", _PROPERTIES):
        if len(value.encode()) > _LARGEST_METADATA:
            raise refusals.invalid(
                where,
                f"{value[:20]}...",
                f"The size of the value must be less than or equal to {_LARGEST_METADATA} bytes (256 KiB).",
            )


def _check_accelerators(machine_type: str, properties: Json) -> None:
    fitting = series_of(machine_type).gpus
    pattern = "guestAccelerators[].acceleratorType"
    for where, accelerator in given(properties, pattern, _PROPERTIES):
        gpu = accelerator.rsplit("/", 1)[-1]
        if gpu not in fitting:
            raise refusals.invalid(
                where,
                accelerator,
                f"[{gpu}, {machine_type}] features are not compatible for creating instance.",
            )


def _check_disks(machine_type: str, properties: Json) -> None:
    refused = series_of(machine_type).no_disks
    pattern = "disks[].initializeParams.diskType"
    for where, disk_type in given(properties, pattern, _PROPERTIES):
        kind = disk_type.rsplit("/", 1)[-1]
        if refused and kind.startswith(refused):
            raise refusals.invalid(
                where,
                disk_type,
                f"{kind} disk type cannot be used by {machine_type} machine type.",
            )


def _check_maintenance(machine_type: str, properties: Json, scheduling: Json) -> None:
    """Machines with GPUs cannot be moved; standard machines are, unless the template says otherwise."""
    has_gpus = series_of(machine_type).bundled or bool(properties.get("guestAccelerators"))
    policy = scheduling.get("onHostMaintenance") or (
        "TERMINATE" if is_spot(scheduling) else "MIGRATE"
    )
    if has_gpus and policy == "MIGRATE":
        raise refusals.invalid(
            f"{_SCHEDULING}.onHostMaintenance",
            policy,
            "Instances with guest accelerators do not support live migration.",
        )

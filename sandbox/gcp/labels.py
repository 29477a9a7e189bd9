"""Labels: which characters they may have, and what the provider adds."""

from __future__ import annotations

from sandbox.fields import UNKNOWN, Json
from sandbox.gcp import refusals
from sandbox.gcp.places import given

_PLACES = ("labels", "properties.labels", "properties.disks[].initializeParams.labels")
_LONGEST = 63
_MOST = 64


def check_labels(body: Json) -> None:
    """Refuse labels that no resource of the cloud may have."""
    for place in _PLACES:
        for where, labels in given(body, place):
            if len(labels) > _MOST:
                raise refusals.invalid(where, labels, f"At most {_MOST} labels may be specified.")
            for key, value in labels.items():
                _check(where, "key", key)
                _check(where, "value", value)


def _check(where: str, word: str, text: str) -> None:
    legal = all(c in "-_" or (c.isalnum() and c == c.lower()) for c in text)
    starts = word == "value" or text[:1].isalpha()
    if text != UNKNOWN and not (legal and starts and len(text) <= _LONGEST):
        raise refusals.invalid(
            where,
            text,
            f"Label {word} '{text}' violates format constraints. The {word} can only contain lowercase letters, "
            f"numeric characters, underscores and dashes. The {word} can be at most {_LONGEST} characters long. "
            "International characters are allowed.",
        )


def label_outputs(labels: dict[str, str]) -> Json:
    """The two label outputs of the provider, which adds a label of its own to what it makes."""
    everything = labels | {"goog-pulumi-provisioned": "true"}
    return {"effectiveLabels": everything, "pulumiLabels": everything}

"""What the reactors saw, fetched for the next plan."""

from __future__ import annotations

import json

import pytest

from tools.observed import OBJECT, ObservedError, gather, write

STORES = {"aws": ["s3://one", "s3://two"], "gcp": ["gs://one"]}


def saw(cloud: str, at: float) -> bytes:
    return json.dumps({"cloud": cloud, "at_s": at, "groups": [], "dry": []}).encode()


def reader(objects: dict[str, bytes]):
    def read(url: str) -> bytes:
        if url not in objects:
            raise ObservedError(f"there is no object {url}")
        return objects[url]

    return read


def test_every_cloud_is_read_from_its_first_store_that_answers(tmp_path):
    objects = {f"s3://two/{OBJECT}": saw("aws", 60), f"gs://one/{OBJECT}": saw("gcp", 120)}
    content = gather(STORES, [], reader(objects))
    assert [cloud["cloud"] for cloud in content["clouds"]] == ["aws", "gcp"]
    assert content["fetched"] == "1970-01-01T00:02:00Z"
    first = write(tmp_path, "now", content).read_bytes()
    assert write(tmp_path, "now", gather(STORES, [], reader(objects))).read_bytes() == first


def test_a_cloud_that_is_gone_is_named_and_not_asked():
    content = gather(STORES, ["aws"], reader({f"gs://one/{OBJECT}": saw("gcp", 1)}))
    assert content["unreachable"] == ["aws"]
    assert [cloud["cloud"] for cloud in content["clouds"]] == ["gcp"]


@pytest.mark.parametrize("objects", [{}, {f"gs://one/{OBJECT}": b"{"}])
def test_a_cloud_that_cannot_be_read_is_one_line_with_the_way_out(objects):
    with pytest.raises(ObservedError, match="if the cloud is gone, add --gone") as caught:
        gather(STORES, [], reader(objects))
    assert "\n" not in str(caught.value)

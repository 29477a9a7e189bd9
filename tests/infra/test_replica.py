"""What a node runs: valid cloud-init, the right flags, the same text for the same pool."""

from __future__ import annotations

import base64
import configparser
import json
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from allocator.plan import Cell, Engine
from infra.replica import cloud_init, user_data
from tests.infra import plans

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = Path(__file__).parent / "cloud-config.schema.json"
URLS = ("https://first.example/", "https://second.example/")
ENGINE = Engine("meta-llama/Llama-3.1-8B-Instruct", "vllm/vllm-openai:v0.15.0")


def command(**changes: Any) -> list[str]:
    """The engine's command line on a pool's nodes."""
    document = yaml.safe_load(cloud_init(ENGINE, plans.pool(plans.AWS, **changes)))
    run: list[str] = document["runcmd"][-1]
    return run


def flag(run: list[str], name: str) -> str:
    return run[run.index(name) + 1]


def files(cell: Cell = plans.AWS, urls: tuple[str, ...] = URLS) -> dict[str, str]:
    """The files that a pool's nodes write, by path."""
    document = yaml.safe_load(cloud_init(ENGINE, plans.pool(cell), urls))
    return {file["path"]: file["content"] for file in document["write_files"]}


@pytest.mark.parametrize("cell", [plans.AWS, plans.GCP, plans.AZURE], ids=lambda cell: cell.cloud)
def test_the_document_is_cloud_config_by_cloud_inits_own_schema(cell: Cell) -> None:
    text = cloud_init(ENGINE, plans.pool(cell), URLS)
    assert text.splitlines()[0] == "#cloud-config"
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft4Validator.check_schema(schema)
    jsonschema.Draft4Validator(schema).validate(yaml.safe_load(text))


def test_the_longest_document_fits_into_aws_user_data() -> None:
    engine = Engine("organisation/" + "m" * 80, "registry.example/" + "i" * 120 + ":v1")
    pool = plans.pool(plans.AWS, key="k" * 63)
    arn = "arn:aws:lambda:ap-northeast-1:123456789012:function:" + "f" * 64
    assert len(cloud_init(engine, pool, (arn, arn)).encode()) <= 16384


def test_the_watcher_is_shipped_as_it_is_and_started_by_its_unit() -> None:
    written = files()
    source = ROOT / "images/watcher/watcher.py"
    assert written["/opt/skyblend/watcher.py"] == source.read_text()
    unit = configparser.ConfigParser()
    unit.read_string(written["/etc/systemd/system/skyblend-watcher.service"])
    assert unit["Service"]["ExecStart"].split()[-1] in written
    assert unit["Service"]["EnvironmentFile"] in written
    document = yaml.safe_load(cloud_init(ENGINE, plans.pool(plans.AWS), URLS))
    assert ["systemctl", "enable", "--now", "skyblend-watcher"] in document["runcmd"]


def test_the_watcher_knows_its_cloud_its_pool_and_where_to_tell() -> None:
    lines = files(plans.GCP)["/etc/skyblend/watcher.env"].splitlines()
    env = dict(shlex.split(line)[0].split("=", 1) for line in lines)
    drain = env.pop("SKYBLEND_DRAIN")
    assert env == {
        "SKYBLEND_CLOUD": "gcp",
        "SKYBLEND_POOL": "gcp-us-central1-l4x1-tp1-spot",
        "SKYBLEND_NOTICE_URL": "https://first.example/,https://second.example/",
    }
    assert "--ctstate NEW -j REJECT" in drain


def test_the_engine_serves_the_model_on_every_gpu_of_the_node() -> None:
    run = command(gpus_per_node=8, tensor_parallel=2, replicas_per_node=4)
    assert run[:3] == ["docker", "run", "--detach"]
    assert "--gpus=all" in run
    assert flag(run, "--model") == "meta-llama/Llama-3.1-8B-Instruct"
    assert flag(run, "--tensor-parallel-size") == "2"
    assert flag(run, "--data-parallel-size") == "4"


def test_the_engine_answers_on_the_service_port() -> None:
    run = command()
    assert flag(run, "--port") == "8000"
    assert flag(run, "--publish") == "8000:8000"


def test_the_options_of_the_engine_follow_its_own_words() -> None:
    engine = Engine("some/model", "registry/engine:1", ("--quantization", "fp8"))
    run = yaml.safe_load(cloud_init(engine, plans.pool(plans.AWS)))["runcmd"][-1]
    assert flag(run, "--quantization") == "fp8"
    assert "--quantization" not in command()


def test_odd_characters_in_a_name_stay_one_word() -> None:
    engine = Engine('a: "b" # $c', "registry/engine:1")
    document = yaml.safe_load(cloud_init(engine, plans.pool(plans.AWS)))
    assert flag(document["runcmd"][-1], "--model") == 'a: "b" # $c'


def test_the_text_does_not_depend_on_sizes() -> None:
    small, large = (plans.pool(plans.AWS, nodes=n, max_nodes=n) for n in (1, 50))
    assert cloud_init(ENGINE, small) == cloud_init(ENGINE, large)


def test_user_data_is_the_same_text_in_base64() -> None:
    pool = plans.pool(plans.AZURE)
    assert base64.b64decode(user_data(ENGINE, pool)).decode() == cloud_init(ENGINE, pool)

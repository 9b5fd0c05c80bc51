"""How users build images with docker-py, against the daemon that DOCKER_HOST names; the image is busybox:latest."""

import io
import os
import sys
import tarfile
import tempfile

import docker
from docker.errors import APIError, BuildError

client = docker.from_env(timeout=300)
checks = 0


def check(condition, text):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"docker-py: {text}")


def run(image, *command):
    return client.containers.run(image, list(command) or None, remove=True)


def fileobj():
    image, log = client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN echo hello > /x\n"), tag="one:1", rm=True)
    check(image.tags == ["one:1"] and image.id.startswith("sha256:"), f"image {image} {image.tags}")
    lines = list(log)
    text = "".join(line.get("stream", "") for line in lines)
    check("Step 2/2 : RUN echo hello > /x" in text and "Successfully tagged one:1" in text, f"log {text}")
    check(any(line.get("aux", {}).get("ID") == image.id for line in lines), f"aux {lines}")
    check(run("one:1", "cat", "/x") == b"hello\n", "run of what was built")
    again, log = client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN echo hello > /x\n"))
    check(again.id == image.id and any("Using cache" in line.get("stream", "") for line in log), "cache")


def path():
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {
            "Dockerfile": "FROM busybox AS base\nARG WHO\nRUN echo $WHO > /who\nFROM base\nCOPY . /src\nCMD ls /src\n",
            "other.Dockerfile": "FROM busybox\nCOPY a /a\n", "a": "a\n", "b.log": "b\n", ".dockerignore": "*.log\n",
        }.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        image, _ = client.images.build(path=folder, buildargs={"WHO": "me"}, tag="two", labels={"l": "v"})
        check(run("two") == b"Dockerfile\na\nother.Dockerfile\n", "ignored files")
        check(run("two", "cat", "/who") == b"me\n" and image.labels == {"l": "v"}, "build arguments and labels")
        base, _ = client.images.build(path=folder, target="base", buildargs={"WHO": "you"})
        check(run(base.id, "cat", "/who") == b"you\n", "target")
        fresh, log = client.images.build(path=folder, nocache=True, buildargs={"WHO": "me"})
        check(not any("Using cache" in line.get("stream", "") for line in log), "nocache")
        other, _ = client.images.build(
            path=folder, dockerfile="other.Dockerfile", network_mode="none", extra_hosts={"db": "10.0.0.1"},
            container_limits={"memory": 64 << 20}, shmsize=1 << 20, platform="linux/amd64", pull=False, forcerm=True)
        check(run(other.id, "cat", "/a") == b"a\n", "another Dockerfile")


def context():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in {"Dockerfile": b"FROM scratch\nCOPY x /x\n", "x": b"x\n"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    packed.seek(0)
    image, _ = client.images.build(fileobj=packed, custom_context=True, encoding="gzip", tag="three")
    check(image.tags == ["three:latest"] and image.attrs["RootFS"]["Layers"], "a context of one's own")


def stream():
    lines = list(client.api.build(
        fileobj=io.BytesIO(b"FROM busybox\nRUN echo out; echo err >&2; exit 5\n"), decode=True, rm=True))
    check(lines[-1]["errorDetail"]["code"] == 5, f"last line {lines[-1]}")
    check(lines[-1]["error"].endswith("returned a non-zero code: 5"), f"error {lines[-1]}")
    text = "".join(line.get("stream", "") for line in lines)
    check("out\n" in text and "err" in text, f"stream {text}")
    quiet = list(client.api.build(fileobj=io.BytesIO(b"FROM busybox\nRUN echo x > /y\n"), decode=True, quiet=True))
    check(len(quiet) == 1 and quiet[0]["stream"].startswith("sha256:"), f"quiet {quiet}")


def failures():
    try:
        client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN false\n"))
        check(False, "a failing build")
    except BuildError as error:
        check("returned a non-zero code: 1" in error.msg and list(error.build_log), f"error {error}")
    for text, wanted in {b"FRM busybox\n": "unknown instruction", b"FROM busybox\nCOPY /nope /x\n": "nope"}.items():
        try:
            client.images.build(fileobj=io.BytesIO(text))
            check(False, f"{text} was built")
        except (APIError, BuildError) as error:
            check(wanted in str(error), f"{wanted} is not in {error}")
    try:
        client.images.build(fileobj=io.BytesIO(b"FROM busybox\n"), squash=True)
        check(False, "squash")
    except APIError as error:
        check(error.status_code == 400 and "squash" in str(error), f"squash {error}")


fileobj()
path()
context()
stream()
failures()
check(client.api.prune_builds()["SpaceReclaimed"] >= 0, "prune")
check(isinstance(client.df()["BuildCache"], list), "df")
print(f"{checks} checks")

"""What users do with docker-py, against the daemon that DOCKER_HOST names; the image is busybox:latest."""

import io
import sys
import tarfile
import threading

import docker
from docker.errors import APIError, ContainerError, ImageNotFound, NotFound

client = docker.from_env(timeout=300)
checks = 0


def check(condition, text):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"docker-py: {text}")


def raises(kind, body, text):
    try:
        body()
    except kind as error:
        check(text in str(error), f"{text!r} is not in {error}")
        return
    check(False, f"nothing was raised; expected {text!r}")


def containers():
    check(client.ping(), "ping")
    check(client.version()["Os"] == "linux", "version")
    check(client.info()["OSType"] == "linux", "info")
    output = client.containers.run("busybox", ["echo", "hello"], remove=True)
    check(output == b"hello\n", f"run gave {output!r}")
    raises(ContainerError, lambda: client.containers.run("busybox", ["sh", "-c", "exit 3"], remove=True), "status 3")
    raises(ImageNotFound, lambda: client.images.get("nope"), "No such image: nope")
    raises(NotFound, lambda: client.containers.get("nope"), "No such container: nope")
    box = client.containers.run(
        "busybox", ["sh", "-c", "echo out; echo err >&2; exec sleep 1000"], detach=True, name="box",
        environment={"A": "b"}, labels={"made": "here"}, mem_limit="64m", ports={"80/tcp": ("127.0.0.1", 0)})
    check(box.status == "created" and box.name == "box", "detached run")
    box.reload()
    check(box.status == "running", f"status {box.status}")
    check(box.attrs["HostConfig"]["Memory"] == 64 << 20, "memory")
    check(int(box.ports["80/tcp"][0]["HostPort"]) > 0, f"ports {box.ports}")
    check([c.name for c in client.containers.list(filters={"label": "made=here"})] == ["box"], "list by label")
    raises(APIError, lambda: client.containers.create("busybox", name="box"), "Conflict. The container name")
    for line in box.logs(stream=True, follow=True):
        if b"err" in line:
            break
    check(box.logs(stdout=True, stderr=False) == b"out\n", "logs of stdout")
    check(b"Z " in box.logs(timestamps=True), "time stamps")
    check(box.top()["Titles"][1] == "PID", "top")
    stats = box.stats(stream=False)
    check(stats["memory_stats"]["usage"] > 0 and stats["precpu_stats"]["cpu_usage"]["total_usage"] > 0, "stats")
    check("memory_stats" in next(box.stats(decode=True)), "stats as a stream")
    box.pause()
    box.reload()
    check(box.status == "paused", "pause")
    box.unpause()
    box.rename("renamed")
    box.update(mem_limit="96m", memswap_limit="192m")
    box.restart(timeout=0)
    box.kill()
    check(box.wait()["StatusCode"] == 137, "wait after kill")
    box.start()
    box.stop(timeout=0)
    check(box.diff() is None or isinstance(box.diff(), list), "diff")
    box.remove(v=True, force=True)
    raises(NotFound, box.reload, "No such container")


def executions(box):
    code, output = box.exec_run(["sh", "-c", "echo $A; id -u; pwd"], environment={"A": "x"}, user="user", workdir="/tmp")
    check(code == 0 and output == b"x\n1000\n/tmp\n", f"exec {output!r}")
    code, (out, err) = box.exec_run(["sh", "-c", "echo o; echo e >&2; exit 4"], demux=True)
    check(code == 4 and out == b"o\n" and err == b"e\n", "exec with both streams apart")
    check(all(box.exec_run(["echo", "x"]).output == b"x\n" for _ in range(40)), "every output of many execs")
    check(box.exec_run(["nope"])[0] in (126, 127), "exec of nothing")
    check(b"\r\n" in box.exec_run(["echo", "x"], tty=True)[1], "exec in a terminal")
    made = client.api.exec_create(box.id, ["cat"], stdin=True)
    stream = client.api.exec_start(made["Id"], socket=True)
    raw = stream._sock
    raw.sendall(b"typed\n")
    raw.shutdown(1)
    received = b""
    while piece := raw.recv(4096):
        received += piece
    check(received.endswith(b"typed\n"), f"exec over a socket gave {received!r}")
    check(client.api.exec_inspect(made["Id"])["ExitCode"] == 0, "exec inspect")
    client.api.exec_start(client.api.exec_create(box.id, ["touch", "/detached"])["Id"], detach=True)


def archives(box):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo("folder/file")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"hello"))
    check(box.put_archive("/tmp", packed.getvalue()), "put_archive")
    pieces, stat = box.get_archive("/tmp/folder")
    check(stat["name"] == "folder" and stat["mode"] >> 31 == 1, f"stat {stat}")
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
        check(archive.extractfile("folder/file").read() == b"hello", "get_archive")
    raises(NotFound, lambda: box.get_archive("/nope"), "Could not find the file /nope in container")
    names = tarfile.open(fileobj=io.BytesIO(b"".join(box.export()))).getnames()
    check("tmp/folder/file" in names, "export")


def attach():
    box = client.containers.create("busybox", ["sh", "-c", "read x; echo got $x"], stdin_open=True)
    stream = client.api.attach_socket(box.id, params={"stdin": 1, "stdout": 1, "stream": 1})
    box.start()
    stream._sock.sendall(b"word\n")
    received = b""
    while piece := stream._sock.recv(4096):
        received += piece
    check(received.endswith(b"got word\n"), f"attach gave {received!r}")
    check(box.wait(condition="not-running")["StatusCode"] == 0, "wait")
    box.remove()


def images(box):
    made = box.commit("made", tag="1", changes='CMD ["true"]')
    check("made:1" in made.tags, f"tags {made.tags}")
    check(made.tag("other", tag="2"), "tag")
    check({"made:1", "other:2"} <= {tag for image in client.images.list() for tag in image.tags}, "images")
    check(made.history()[0]["Id"], "history")
    saved = b"".join(made.save(named="made:1"))
    client.images.remove("other:2")
    client.images.remove("made:1", force=True)
    check(client.images.load(saved)[0].tags == ["made:1"], "load")
    client.images.remove("made:1")


def networks_and_volumes(box):
    network = client.networks.create("net", labels={"a": "b"})
    network.connect(box, aliases=["alias"])
    network.reload()
    check(box.id in network.attrs["Containers"], "connect")
    box.reload()
    check("alias" in box.attrs["NetworkSettings"]["Networks"]["net"]["Aliases"], "aliases")
    network.disconnect(box)
    check([n.name for n in client.networks.list(names=["net"])] == ["net"], "networks")
    network.remove()
    raises(NotFound, lambda: client.networks.get("net"), "not found")
    volume = client.volumes.create("vol", labels={"a": "b"})
    output = client.containers.run(
        "busybox", ["sh", "-c", "echo kept > /v/x; cat /v/x"], volumes={"vol": {"bind": "/v", "mode": "rw"}}, remove=True)
    check(output == b"kept\n" and volume.attrs["Labels"] == {"a": "b"}, "volume")
    check([v.name for v in client.volumes.list(filters={"label": "a"})] == ["vol"], "volumes")
    volume.remove()
    check(client.df()["LayersSize"] >= 0, "df")


def events():
    stream = client.events(decode=True, filters={"type": "container"})
    seen = []

    def read():
        for event in stream:
            seen.append(event["Action"])
            if event["Action"] == "destroy":
                break

    reader = threading.Thread(target=read)
    reader.start()
    client.containers.run("busybox", ["true"], remove=True)
    reader.join(120)
    stream.close()
    wanted = ["create", "start", "die", "destroy"]
    check([action for action in seen if action in wanted] == wanted, f"events {seen}")


containers()
box = client.containers.run("busybox", ["sleep", "1000"], detach=True, init=True)
executions(box)
archives(box)
images(box)
networks_and_volumes(box)
box.remove(force=True)
attach()
events()
client.containers.prune()
print(f"{checks} checks")

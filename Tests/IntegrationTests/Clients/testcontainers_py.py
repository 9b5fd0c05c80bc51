"""What users do with testcontainers for Python, against the daemon that DOCKER_HOST names; the image is busybox:latest."""

import sys

from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.waiting_utils import wait_for_logs

checks = 0


def check(condition, text):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"testcontainers: {text}")


with DockerContainer("busybox").with_command(
    ["sh", "-c", "echo starting; sleep 0.2; echo ready to serve; exec httpd -f -p 80 -h /www"]
).with_exposed_ports(80).with_env("A", "b") as web:
    wait_for_logs(web, "ready to serve", timeout=120)
    out, _ = web.get_logs()
    check(b"starting" in out, "logs")
    check(int(web.get_exposed_port(80)) > 0, "an exposed port")
    check(web.get_container_host_ip(), "a host to connect to")
    code, output = web.exec(["sh", "-c", "echo $A"])
    check((code, output) == (0, b"b\n"), f"exec: {code} {output}")
    check(web.get_wrapped_container().status in ("created", "running"), "status")

with Network() as network:
    server = DockerContainer("busybox").with_command(["httpd", "-f", "-p", "80", "-h", "/www"])
    server.with_network(network).with_network_aliases("server")
    with server:
        asking = DockerContainer("busybox").with_network(network)
        asking.with_command(["sh", "-c", "until wget -qO- http://server/; do sleep 0.1; done; sleep 1000"])
        with asking:
            wait_for_logs(asking, "hello from busybox", timeout=120)
            checks += 1

volume = DockerContainer("busybox").with_volume_mapping("testcontainers-data", "/data", "rw")
with volume.with_command(["sh", "-c", "echo kept > /data/x && echo done && sleep 1000"]) as box:
    wait_for_logs(box, "done", timeout=120)
    check(box.exec(["cat", "/data/x"])[1] == b"kept\n", "a volume")
box.get_docker_client().client.volumes.get("testcontainers-data").remove(force=True)
print(f"{checks} checks")

"""Rows of a Docker host: the stock client, many containers, names, ports, logs. See bench/README.md for the method."""

import ctypes
import json
import os
import shutil
import socket
import statistics
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
CONTAINERS = 500
LOG_LINE = "0123456789" * 12
LOG_BYTES = 1 << 30
STREAM_BYTES = 2 << 30


def inside(pid, work):
    """Runs `work` in the network namespace of a process, in a thread that ends with it."""
    result, failure = [], []

    def run():
        try:
            with open(f"/proc/{pid}/ns/net") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            result.append(work())
        except Exception as error:  # shown by whoever waits
            failure.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


class Host:
    """What the rows share: both engines, driven over their sockets."""

    def __init__(self, bench, call):
        self.bench = bench
        self.call = call
        bench.start_docker()
        self.docker = shutil.which("docker")

    def start(self, path, command, **host):
        body = {"Image": "tiny", "Cmd": command, "HostConfig": dict({"NetworkMode": "bridge"}, **host)}
        made = self.call(path, "POST", "/containers/create", body)["Id"]
        self.call(path, "POST", f"/containers/{made}/start")
        return made

    def remove(self, path, made):
        self.call(path, "DELETE", f"/containers/{made}?force=1")

    def inspect(self, path, made):
        return self.call(path, "GET", f"/containers/{made}/json")

    def client(self, path, *arguments):
        subprocess.run([self.docker, "-H", f"unix://{path}", *arguments], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(bench, call, alternate_ms):
    """The whole of `docker run --rm` and `docker exec` by the stock client, whose own start is most of ours."""
    host = Host(bench, call)
    for network, what in (("bridge", "with a network"), ("none", "without a network")):
        def whole(path):
            return lambda: host.client(path, "run", "--rm", "--network", network, "tiny", "/bin/true")
        ours, peer = alternate_ms(whole(bench.ours), whole(bench.docker), 15)
        bench.row(f"run: docker run --rm by the stock client, {what} (n=15)", ours, "ms", None, peer, "docker")
    floor, _ = alternate_ms(lambda: host.client(bench.ours, "version"), None, 15)
    bench.row("run: docker version by the stock client, for the client's own share (n=15)", floor, "ms", None)


def many(bench, call, smaps, median_ms):
    """500 running containers: the list, the daemon's memory, and what it does when nobody asks."""
    host = Host(bench, call)
    path = bench.ours
    made = [host.start(path, ["/bin/sleep", "1000000"], NetworkMode="none") for _ in range(CONTAINERS)]
    try:
        bench.row(f"many: the list of {CONTAINERS} containers, over the socket (n=15)",
                  median_ms(lambda: call(path, "GET", "/containers/json?all=1"), 15), "ms", 20)
        bench.row(f"many: docker ps with {CONTAINERS} containers, the client's share too (n=15)",
                  median_ms(lambda: host.client(path, "ps", "-a"), 15), "ms", None)
        time.sleep(2)
        bench.row(f"many: memory of the daemon with {CONTAINERS} containers",
                  smaps(bench.daemon.pid, "Pss") / 1024, "MiB", 60)

        def ticks():
            with open(f"/proc/{bench.daemon.pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])
        before = ticks()
        time.sleep(10)
        share = (ticks() - before) / os.sysconf("SC_CLK_TCK") / 10 * 100
        bench.row(f"many: processor of the daemon at rest with {CONTAINERS} containers", share, "%", 0.5)
    finally:
        for each in made:
            host.remove(path, each)


def question(name):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def lookup_ms(pid, name, times):
    """The median of a question to 127.0.0.11, as the container's resolver asks it."""
    def ask():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(5)
            udp.connect(("127.0.0.11", 53))
            samples = []
            for _ in range(times + 1):
                begin = time.perf_counter()
                udp.send(question(name))
                answer = udp.recv(512)
                samples.append((time.perf_counter() - begin) * 1000)
                if struct.unpack(">H", answer[6:8])[0] < 1:
                    raise RuntimeError(f"{name} has no address")
            return statistics.median(samples[1:])
    return inside(pid, ask)


def names(bench, call):
    host = Host(bench, call)
    medians = []
    for path in (bench.ours, bench.docker):
        network = call(path, "POST", "/networks/create", {"Name": "bench-names"})["Id"]
        made = host.start(path, ["/bin/sleep", "100000"], NetworkMode="bench-names")
        try:
            call(path, "POST", f"/containers/{made}/rename?name=bench-named")
            medians.append(lookup_ms(host.inspect(path, made)["State"]["Pid"], "bench-named", 500))
        finally:
            host.remove(path, made)
            call(path, "DELETE", f"/networks/{network}")
    bench.row("names: look a container up by name (n=500)", medians[0], "ms", 0.3, medians[1], "docker")


def serve(listener):
    """Answers what comes: `s` takes a stream and answers once, `p` gives each byte back."""
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with peer:
            kind = peer.recv(1)
            if kind == b"p":
                while peer.send(peer.recv(1)):
                    pass
                continue
            buffer, count = bytearray(1 << 20), 0
            while count < STREAM_BYTES:
                got = peer.recv_into(buffer)
                if not got:
                    break
                count += got
            peer.send(b"d")


def stream_seconds(address):
    chunk = bytes(1 << 20)
    with socket.create_connection(address, timeout=60) as peer:
        peer.send(b"s")
        begin = time.perf_counter()
        for _ in range(STREAM_BYTES >> 20):
            peer.sendall(chunk)
        peer.recv(1)
        return time.perf_counter() - begin


def latency_ms(address, times=4000):
    with socket.create_connection(address, timeout=60) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.send(b"p")
        samples = []
        for _ in range(times):
            begin = time.perf_counter()
            peer.send(b"x")
            peer.recv(1)
            samples.append((time.perf_counter() - begin) * 1000)
        return statistics.median(samples)


def ports(bench, call):
    """A published port beside the container's own address, from the host; both ways take turns."""
    host = Host(bench, call)
    made = host.start(bench.ours, ["/bin/sleep", "100000"],
                      PortBindings={"7000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "0"}]})
    try:
        found = host.inspect(bench.ours, made)
        listener = inside(found["State"]["Pid"], lambda: socket.create_server(("0.0.0.0", 7000)))
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        settings = found["NetworkSettings"]
        bare = (next(iter(settings["Networks"].values()))["IPAddress"], 7000)
        published = ("127.0.0.1", int(settings["Ports"]["7000/tcp"][0]["HostPort"]))
        for what, measure, unit, scale in (
                ("2 GiB through a published port", stream_seconds, "ms", 1000),
                ("a byte there and back through a published port", latency_ms, "µs", 1000)):
            samples = {published: [], bare: []}
            for _ in range(6):
                for address in samples:
                    samples[address].append(measure(address) * scale)
            ours, peer = (statistics.median(samples[each][1:]) for each in (published, bare))
            bench.row(f"ports: {what} (n=5)", ours, unit, round(peer * 1.05, 2), peer, "the bare bridge")
        listener.shutdown(socket.SHUT_RDWR)
    finally:
        host.remove(bench.ours, made)


def logs(bench, call):
    """1 GiB of lines, followed from the first to the last by the stock client."""
    host = Host(bench, call)
    lines = LOG_BYTES // (len(LOG_LINE) + 1)
    seconds = []
    for path in (bench.ours, bench.docker):
        made = host.start(path, ["/bin/sh", "-c", f"sleep 1; yes {LOG_LINE} | head -n {lines}"], NetworkMode="none")
        try:
            begin = time.perf_counter()
            follower = subprocess.Popen([host.docker, "-H", f"unix://{path}", "logs", "-f", made],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            count = 0
            while chunk := follower.stdout.read(1 << 20):
                count += len(chunk)
            follower.wait()
            seconds.append(time.perf_counter() - begin - 1)
            if count != lines * (len(LOG_LINE) + 1):
                raise RuntimeError(f"{path}: {count} of {lines * (len(LOG_LINE) + 1)} bytes came")
        finally:
            host.remove(path, made)
    bench.row("logs: 1 GiB of lines written and followed without loss", seconds[0], "s", None, seconds[1], "docker")

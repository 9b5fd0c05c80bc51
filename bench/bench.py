#!/usr/bin/env python3
"""Measures stackctl beside its peers and prints one table. See bench/README.md for the method."""

import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import builds
import compose
import host
import images

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".build/release")
WANTED = [argument for argument in sys.argv[2:] if not argument.startswith("n=")]
TIMES = next((int(argument[2:]) for argument in sys.argv[2:] if argument.startswith("n=")), 5)
PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


def call(path, method, target, body=None):
    connection = Connection(path)
    headers = {} if body is None else {"Content-Type": "application/json"}
    connection.request(method, target, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    if response.status >= 400:
        raise RuntimeError(f"{method} {target}: {response.status} {data.decode(errors='replace')}")
    return json.loads(data) if data else None


def median_ms(run, times):
    """The median of `times` runs after one that is thrown away."""
    run()
    samples = []
    for _ in range(times):
        begin = time.perf_counter()
        run()
        samples.append((time.perf_counter() - begin) * 1000)
    return statistics.median(samples)


def alternate_ms(first, second, times):
    """The medians of two runs that take turns; `second` may be None."""
    runs = [first] + ([second] if second else [])
    samples = [[] for _ in runs]
    for round_ in range(times + 1):
        for index, run in enumerate(runs):
            begin = time.perf_counter()
            run()
            if round_ > 0:
                samples[index].append((time.perf_counter() - begin) * 1000)
    medians = [statistics.median(each) for each in samples]
    return medians[0], medians[1] if second else None


def spawn(*arguments):
    """Starts a program and waits, without what Python's subprocess adds."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    pid = os.posix_spawn(arguments[0], arguments, os.environ, file_actions=quiet)
    if os.waitpid(pid, 0)[1] != 0:
        raise RuntimeError(f"{arguments} failed")


def smaps(pid, *keys):
    """The sum of fields of smaps_rollup, in KiB."""
    total = 0
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        for line in lines:
            name = line.split(":")[0]
            if name in keys:
                total += int(line.split()[1])
    return total


def parent_of(pid):
    with open(f"/proc/{pid}/status") as lines:
        for line in lines:
            if line.startswith("PPid:"):
                return int(line.split()[1])


def figure(value):
    """Three digits where it is small."""
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"


class Process:
    """A child that is ended by its pid."""

    def __init__(self, arguments, log, **options):
        self.child = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, **options)
        self.pid = self.child.pid

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


def until(check, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if check():
                return
        except (OSError, RuntimeError, http.client.HTTPException):
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{what} is not ready after {seconds} s")


class Bench:
    def __init__(self, work):
        self.work = work
        self.build = BUILD
        self.rows = []
        self.stack = []
        self.environment = dict(os.environ, STACKCTL_ROOT=f"{work}/ours", NO_COLOR="1", XDG_CACHE_HOME=f"{work}/cache")
        self.environment.pop("STACKCTL_SOCKET", None)
        self.ours = f"{work}/ours/run/stackctl.sock"
        self.docker = None
        self.image_set = None

    # Set-up

    def stackctl(self, *arguments, **options):
        return subprocess.run(
            [f"{BUILD}/stackctl", *arguments], env=self.environment, check=options.pop("check", True),
            capture_output=True, text=True, **options)

    def start(self):
        os.makedirs(f"{self.work}/rootfs/bin")
        shutil.copy("/bin/busybox", f"{self.work}/rootfs/bin/busybox")
        for name in ("sh", "true", "sleep", "yes", "head"):
            os.link(f"{self.work}/rootfs/bin/busybox", f"{self.work}/rootfs/bin/{name}")
        log = open(f"{self.work}/daemon.log", "w")
        self.daemon = Process([f"{BUILD}/stackctl", "daemon"], log, env=self.environment)
        self.stack.append(self.daemon.stop)
        until(lambda: call(self.ours, "GET", "/version"), 20, "stackctl")
        self.write_stack("tiny", 'Image("tiny", rootfs: "%s/rootfs")' % self.work)
        self.stackctl("apply", "--yes", f"{self.work}/tiny")
        self.stack.append(lambda: self.stackctl("destroy", "--yes", f"{self.work}/tiny", check=False))

    def start_docker(self):
        """dockerd and containerd on private roots, in a network namespace of their own."""
        if self.docker:
            return
        base = f"{self.work}/peer"
        os.makedirs(base)
        log = open(f"{base}/log", "w")
        holder = Process(["unshare", "--net", "sh", "-c", "ip link set lo up; exec sleep infinity"], log)
        self.stack.append(holder.stop)
        until(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"), 5, "namespace")
        inside = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
        with open(f"{base}/containerd.toml", "w") as file:
            file.write('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        self.containerd = Process(
            inside + ["containerd", "--config", f"{base}/containerd.toml", "--root", f"{base}/c-root", "--state",
                      f"{base}/c-run", "--address", f"{base}/containerd.sock"], log)
        self.stack.append(self.containerd.stop)
        until(lambda: os.path.exists(f"{base}/containerd.sock"), 20, "containerd")
        self.dockerd = Process(
            inside + ["dockerd", "--data-root", f"{base}/d-root", "--exec-root", f"{base}/d-run", "--pidfile",
                      f"{base}/dockerd.pid", "--host", f"unix://{base}/docker.sock", "--containerd",
                      f"{base}/containerd.sock"], log)
        self.stack.append(self.dockerd.stop)
        path = f"{base}/docker.sock"
        try:
            until(lambda: call(path, "GET", "/version"), 40, "dockerd")
        except RuntimeError:
            with open(f"{base}/log") as lines:
                sys.stderr.write("".join(lines.readlines()[-8:]))
            raise
        archive = subprocess.run(["tar", "-C", f"{self.work}/rootfs", "-c", "."], check=True, capture_output=True).stdout
        connection = Connection(path)
        connection.request("POST", "/images/create?fromSrc=-&repo=tiny", archive, {"Content-Type": "application/x-tar"})
        connection.getresponse().read()
        call(path, "POST", "/networks/create", {"Name": "bench"})
        self.docker = path

    def finish(self):
        for action in reversed(self.stack):
            try:
                action()
            except Exception as error:  # every clean-up step gets its turn
                print(f"bench: {error}", file=sys.stderr)

    def write_stack(self, name, body, extra=""):
        folder = f"{self.work}/{name}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/Stack.swift", "w") as file:
            file.write(
                "import StackDSL\n\n@main\nstruct %s: Stack {\n    var resources: Resources {\n%s"
                "        return Resources {\n            %s\n        }\n    }\n}\n" % (name.capitalize(), extra, body))
        return folder

    # Rows

    def row(self, what, ours, unit, bar, peer=None, peer_name="", note=""):
        self.rows.append((what, ours, unit, bar, peer, peer_name, note))
        beside = "" if peer is None else f" ({peer_name}: {figure(peer)} {unit})"
        print(f"  {what}: {figure(ours)} {unit}{beside}", file=sys.stderr, flush=True)

    def version(self):
        binary = f"{BUILD}/stackctl"
        docker = shutil.which("docker")
        ours, peer = alternate_ms(lambda: spawn(binary, "--version"), lambda: spawn(docker, "--version"), 50)
        self.row("version: answer to --version (n=50)", ours, "ms", 5, peer, "docker --version")

    def plan(self):
        folder = f"{self.work}/hello"
        shutil.copytree(f"{PROJECT}/stacks/hello", folder)
        with open(f"{folder}/Stack.swift") as file:
            source = file.read()
        edits = iter(range(100, 1000))

        def edited():
            with open(f"{folder}/Stack.swift", "w") as file:
                file.write(source.replace(".mebibytes(64)", f".mebibytes({next(edits)})"))
            self.stackctl("plan", folder)

        self.row("plan: manifest edited to plan shown (n=9)", median_ms(edited, 9), "ms", 600)
        self.row("plan: the same again, cached (n=30)", median_ms(lambda: self.stackctl("plan", folder), 30), "ms", 50)

    def thousand(self):
        lines = [
            "        let networks = (1...9).map { Network(\"n\\($0)\", subnet: Subnet(\"10.203.\\($0).0/24\")) }\n",
            "        let image = Image(\"tiny-thousand\", rootfs: \"%s/rootfs\")\n" % self.work,
            "        let volumes = (1...890).map { Volume(\"v\\($0)\") }\n",
            "        let containers = (0..<100).map { index in\n",
            "            Container(\"c\\(index)\", image: image) {\n",
            "                Command(\"/bin/sleep\", \"1000000\")\n",
            "                Stop(signal: \"SIGKILL\")\n",
            "                Attach(networks[index % 9])\n",
            "                Mount(volumes[index], at: \"/data\")\n",
            "                Limit(memory: .mebibytes(16), processes: 8)\n",
            "                Env(\"INDEX\", \"\\(index)\")\n",
            "            }\n        }\n",
        ]
        folder = self.write_stack("thousand", "containers\n            volumes", "".join(lines))
        self.stack.append(lambda: self.stackctl("destroy", "--yes", folder, check=False))
        self.stackctl("apply", "--yes", folder)
        samples, whole = [], []
        for _ in range(12):
            begin = time.perf_counter()
            result = self.stackctl("plan", "--detailed-exitcode", "--timings", folder)
            whole.append((time.perf_counter() - begin) * 1000)
            samples.append(float(next(
                word for line in result.stderr.splitlines() if line.startswith("timings:")
                for word in line.split("plan ")[1].split()[:1])))
        self.row("thousand: no-op plan of 1,000 resources after evaluation (n=11)",
                 statistics.median(samples[1:]), "ms", 100, note="100 containers run, 9 networks, 890 volumes, 1 image")
        self.row("thousand: the whole command, cached (n=11)", statistics.median(whole[1:]), "ms", None)
        pids = []
        for container in call(self.ours, "GET", "/containers/json"):
            pids.append(call(self.ours, "GET", f"/containers/{container['Id']}/json")["State"]["Pid"])
        supervisors = [smaps(parent_of(pid), "Private_Clean", "Private_Dirty") for pid in pids if pid]
        self.supervisor_kib = statistics.median(supervisors)
        self.stackctl("destroy", "--yes", folder)

    def lifecycle(self, path, network):
        def run():
            body = {"Image": "tiny", "Cmd": ["/bin/true"], "HostConfig": {"NetworkMode": network}}
            made = call(path, "POST", "/containers/create", body)["Id"]
            call(path, "POST", f"/containers/{made}/start")
            code = call(path, "POST", f"/containers/{made}/wait")["StatusCode"]
            if code != 0:
                raise RuntimeError(f"exit code {code}")
            remove.append((path, made))
        remove = []
        run.remove = remove
        return run

    def measure_containers(self, network, times):
        """Runs take turns; what they made is removed between them, off the clock."""
        runs = [self.lifecycle(self.ours, network), self.lifecycle(self.docker, network)]
        samples = [[], []]
        for round_ in range(times + 1):
            for index, run in enumerate(runs):
                begin = time.perf_counter()
                run()
                if round_ > 0:
                    samples[index].append((time.perf_counter() - begin) * 1000)
                for path, made in run.remove:
                    call(path, "DELETE", f"/containers/{made}?force=1")
                run.remove.clear()
        return [statistics.median(each) for each in samples]

    def container(self):
        self.start_docker()
        call(self.ours, "POST", "/networks/create", {"Name": "bench", "IPAM": {"Config": [{"Subnet": "10.204.7.0/24"}]}})
        self.stack.append(lambda: call(self.ours, "DELETE", "/networks/bench"))
        ours, peer = self.measure_containers("bench", 25)
        self.row("container: create, start, exit with a network (n=25)", ours, "ms", 15, peer, "docker")
        ours, peer = self.measure_containers("none", 25)
        self.row("container: the same without a network (n=25)", ours, "ms", 10, peer, "docker")
        for name in ("crun", "runc"):
            arguments = [name, "run", "-b", self.bundle(name), f"bench-{os.getpid()}"]

            def run():
                subprocess.run(arguments, check=True, stdin=subprocess.DEVNULL, capture_output=True)
            try:
                bundle = median_ms(run, 15)
            except subprocess.CalledProcessError as error:
                print(f"  {name} does not run here: {error.stderr.decode().strip()}", file=sys.stderr)
                continue
            self.row(f"container: the same beside a bundle run by {name} (n=15)", ours, "ms", None, bundle, f"{name} run")

    def bundle(self, name):
        folder = f"{self.work}/bundle-{name}"
        os.makedirs(folder)
        subprocess.run([name, "spec"], cwd=folder, check=True)
        with open(f"{folder}/config.json") as file:
            config = json.load(file)
        config["process"].update(terminal=False, args=["/bin/true"])
        config["root"] = {"path": f"{self.work}/rootfs", "readonly": True}
        with open(f"{folder}/config.json", "w") as file:
            json.dump(config, file)
        return folder

    def exec(self):
        self.start_docker()
        runs, pids = [], []
        for path in (self.ours, self.docker):
            body = {"Image": "tiny", "Cmd": ["/bin/sleep", "100000"], "HostConfig": {"NetworkMode": "none"}}
            made = call(path, "POST", "/containers/create", body)["Id"]
            call(path, "POST", f"/containers/{made}/start")
            self.stack.append(lambda path=path, made=made: call(path, "DELETE", f"/containers/{made}?force=1"))
            pids.append(call(path, "GET", f"/containers/{made}/json")["State"]["Pid"])
            runs.append(lambda path=path, made=made: self.run_exec(path, made))
        ours, peer = alternate_ms(runs[0], runs[1], 25)
        self.row("exec: true in a running container (n=25)", ours, "ms", 6, peer, "docker")
        parents = [parent_of(pid) for pid in pids]
        kib = [smaps(pid, "Private_Clean", "Private_Dirty") for pid in parents]
        mine = getattr(self, "supervisor_kib", kib[0])
        self.row("exec: unshared memory of a supervisor", mine / 1024, "MiB", 1, kib[1] / 1024, "containerd-shim")

    @staticmethod
    def run_exec(path, made):
        id_ = call(path, "POST", f"/containers/{made}/exec", {"Cmd": ["/bin/true"], "AttachStdout": True})["Id"]
        # Without an upgrade the stream ends with the program.
        connection = Connection(path)
        connection.request("POST", f"/exec/{id_}/start", json.dumps({"Detach": False, "Tty": False}),
                           {"Content-Type": "application/json", "Connection": "Upgrade", "Upgrade": "tcp"})
        sock = connection.sock
        while sock.recv(4096):
            pass
        connection.close()
        if call(path, "GET", f"/exec/{id_}/json")["ExitCode"] != 0:
            raise RuntimeError("exec failed")

    def rest(self):
        self.start_docker()
        time.sleep(3)
        ours = smaps(self.daemon.pid, "Pss") / 1024
        peer = (smaps(self.dockerd.pid, "Pss") + smaps(self.containerd.pid, "Pss")) / 1024
        self.row("rest: memory of the daemon at rest", ours, "MiB", 30, peer, "dockerd + containerd")

    def run(self):
        host.run(self, call, alternate_ms)

    def many(self):
        host.many(self, call, smaps, median_ms)

    def names(self):
        host.names(self, call)

    def ports(self):
        host.ports(self, call)

    def logs(self):
        host.logs(self, call)

    def builds(self):
        builds.run(self, call, [name.removeprefix("builds.") for name in WANTED if name.startswith("builds.")])

    def compose(self):
        compose.run(self, [name.removeprefix("compose.") for name in WANTED if name.startswith("compose.")])

    def images(self):
        if not self.image_set:
            self.image_set = images.Images(self)
        return self.image_set

    def process(self, arguments, log):
        """Starts a program and gives the function that ends it."""
        return Process(arguments, log).stop

    until = staticmethod(until)

    def load(self):
        images.load(self, TIMES)

    def pull(self):
        images.pull(self, TIMES)

    def push(self):
        images.push(self, TIMES)

    def table(self):
        missed = 0
        lines = [["what", "stackctl", "peer", "", "ratio", "bar", ""]]
        for what, ours, unit, bar, peer, name, note in self.rows:
            met = bar is None or ours <= bar
            missed += not met
            lines.append([
                what.split(": ", 1)[1], f"{figure(ours)} {unit}", "" if peer is None else f"{figure(peer)} {unit}", name,
                "" if peer is None else f"{peer / ours:.1f}×", "" if bar is None else f"≤ {bar:g} {unit}" if isinstance(bar, int) else f"≤ {figure(bar)} {unit}",
                "" if bar is None else "met" if met else "MISSED"])
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        lines.insert(1, ["-" * width for width in widths])
        for line in lines:
            print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
        print("\nMedians; n runs after one thrown away; peers on the same machine in the same run. "
              "Ratio: peer / stackctl. Method: bench/README.md")
        return missed


def main():
    work = tempfile.mkdtemp(prefix="stackctl-bench-")
    bench = Bench(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))
    try:
        if not WANTED or any(name != "version" for name in WANTED):
            bench.start()
        for name in ("version", "rest", "plan", "thousand", "container", "exec", "run", "many", "names", "ports", "logs", "load",
                     "pull", "push", "builds", "compose"):
            if not WANTED or name in WANTED or any(wanted.startswith(name + ".") for wanted in WANTED):
                getattr(bench, name)()
        missed = bench.table()
    finally:
        bench.finish()
        shutil.rmtree(work, ignore_errors=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()

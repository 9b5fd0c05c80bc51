"""Rows of images: load, pull, rmi, push, beside docker, podman and the plain tools that do the inevitable part."""

import hashlib
import io
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tarfile
import time
import urllib.request

FILES = 8700
BYTES = 170_000_000


def seconds(run):
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def quiet(*command, **options):
    try:
        return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, **options)
    except subprocess.CalledProcessError as error:
        # What the tool said is worth more than that it failed.
        raise RuntimeError(f"{' '.join(command)}: {(error.stderr or error.stdout).decode(errors='replace')}") from None


def shell(script):
    quiet("sh", "-ec", script)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- the image -----------------------------------------------------------------------------------------------------

def chosen_files():
    """8,700 files of this host's /usr with about 170 MB together, the same ones each time.

    In the order of a hash of their names, so that all kinds are among them; the largest size allowed is the one that
    makes the sum right.
    """
    found = []
    for folder, _, names in os.walk("/usr"):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                found.append((hashlib.sha256(path.encode(errors="surrogateescape")).digest(), path, os.path.getsize(path)))
    found.sort()
    low, high = 1, 1 << 26
    while high - low > 1:
        middle = (low + high) // 2
        some = [size for _, _, size in found if size <= middle][:FILES]
        low, high = (middle, high) if sum(some) < BYTES else (low, middle)
    return sorted([path for _, path, size in found if size <= high][:FILES])


def write_layer(path, files):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        folders = set()
        for file in files:
            parts = file.strip("/").split("/")
            for depth in range(1, len(parts)):
                folder = "/".join(parts[:depth])
                if folder not in folders:
                    folders.add(folder)
                    info = tarfile.TarInfo(folder)
                    info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, 1700000000
                    archive.addfile(info)
            with open(file, "rb") as content:
                info = tarfile.TarInfo(file.strip("/"))
                info.size, info.mtime = os.fstat(content.fileno()).st_size, 1700000000
                info.mode = os.fstat(content.fileno()).st_mode & 0o777
                archive.addfile(info, content)


def write_archive(path, name, layers):
    """A Docker archive of one image, with plain layers, as `docker save` writes it."""
    digests = []
    for layer in layers:
        with open(layer, "rb") as content:
            digests.append(hashlib.file_digest(content, "sha256").hexdigest())
    config = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine), "os": "linux",
        "config": {"Cmd": ["/bin/true"]}, "created": "2024-01-01T00:00:00Z",
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest for digest in digests]},
        "history": [{"created_by": "bench"} for _ in digests]}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name],
                            "Layers": [digest + "/layer.tar" for digest in digests]}]).encode()
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for file, data in [(config_name, config), ("manifest.json", manifest)]:
            info = tarfile.TarInfo(file)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for digest, layer in zip(digests, layers):
            info = tarfile.TarInfo(digest + "/layer.tar")
            info.size = os.path.getsize(layer)
            with open(layer, "rb") as content:
                archive.addfile(info, content)


# --- peers ---------------------------------------------------------------------------------------------------------

class Podman:
    """Podman on a root of its own; without overlay it takes vfs, which copies each layer."""

    def __init__(self, work):
        self.work = work
        for driver in ("overlay", "vfs"):
            self.base = ["podman", "--root", f"{work}/podman", "--runroot", f"{work}/podman-run", "--storage-driver", driver,
                         "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
            try:
                quiet(*self.base, "images")
                self.driver = driver
                return
            except RuntimeError as error:
                shutil.rmtree(f"{work}/podman", ignore_errors=True)
                reason = error
        raise RuntimeError(f"podman does not run here: {reason}")

    def __call__(self, *arguments):
        quiet(*self.base, *arguments)

    def close(self):
        # Its overlay root is a mount of its own.
        subprocess.run(["umount", "-l", f"{self.work}/podman/overlay"], capture_output=True)


class Images:
    """What the rows share: archives, a registry, and the engines as functions."""

    def __init__(self, bench):
        self.bench = bench
        self.work = f"{bench.work}/images"
        os.makedirs(self.work)
        self.port = free_port()
        self.has_registry = False
        self.name = f"127.0.0.1:{self.port}/bench:1"
        self.second = f"127.0.0.1:{self.port}/bench:2"
        bench.start_docker()
        self.podman = Podman(self.work)
        bench.stack.append(self.podman.close)
        self.layer = f"{self.work}/layer.tar"
        write_layer(self.layer, chosen_files())
        os.makedirs(f"{self.work}/more")
        with open(f"{self.work}/more/file", "w") as file:
            file.write("one more\n")
        write_layer(f"{self.work}/more.tar", [f"{self.work}/more/file"])
        self.archive = f"{self.work}/image.tar"
        write_archive(self.archive, self.name, [self.layer])
        write_archive(f"{self.work}/second.tar", self.second, [self.layer, f"{self.work}/more.tar"])

    def ours(self, *arguments):
        def run():
            result = self.bench.stackctl(*arguments, check=False)
            if result.returncode != 0:
                raise RuntimeError(f"stackctl {' '.join(arguments)}: {result.stderr}")
        return run

    def docker(self, *arguments):
        return lambda: quiet("docker", "-H", f"unix://{self.bench.docker}", *arguments)

    def start_registry(self):
        """Debian's registry, once on this host's loopback and once on that of dockerd's namespace, with one storage."""
        if self.has_registry:
            return
        self.has_registry = True
        with open(f"{self.work}/registry.yml", "w") as file:
            file.write(f"version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {self.work}/registry}}\n"
                       f"  delete: {{enabled: true}}\nhttp:\n  addr: 127.0.0.1:{self.port}\n")
        log = open(f"{self.work}/registry.log", "w")
        inside = ["nsenter", f"--net=/proc/{self.bench.dockerd.pid}/ns/net"]
        for prefix in ([], inside):
            self.bench.stack.append(self.bench.process(prefix + ["docker-registry", "serve", f"{self.work}/registry.yml"], log))
        self.bench.until(lambda: urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v2/", timeout=2), 20, "docker-registry")
        for archive, name in ((self.archive, self.name), (f"{self.work}/second.tar", self.second)):
            quiet("skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"docker-archive:{archive}", f"docker://{name}")

    def clear_registry(self):
        """The registry keeps nothing in memory, so that an empty storage is an empty registry."""
        shutil.rmtree(f"{self.work}/registry/docker", ignore_errors=True)

    def blob(self):
        """The address and the size of the large compressed layer in the registry."""
        base = f"http://127.0.0.1:{self.port}/v2/bench"
        request = urllib.request.Request(f"{base}/manifests/1", headers={"Accept": ", ".join((
            "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"))})
        layer = json.load(urllib.request.urlopen(request))["layers"][0]
        return f"{base}/blobs/{layer['digest']}", layer["size"]


def turns(times, *steps):
    """Runs steps in turn, the whole round one time more than counted; gives the median of each step in ms.

    A step is a function that is timed, or a tuple of one that is timed and one that makes ready for it, which is not.
    """
    samples = [[] for _ in steps]
    for round_ in range(times + 1):
        for index, step in enumerate(steps):
            run, before = step if isinstance(step, tuple) else (step, None)
            if before:
                before()
            took = seconds(run) * 1000
            if round_ > 0:
                samples[index].append(took)
    return [statistics.median(each) for each in samples]


def reset_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def peak_mib(pid):
    with open(f"/proc/{pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


# --- rows ----------------------------------------------------------------------------------------------------------

def load(bench, times):
    images = bench.images()
    archive, name, podman = images.archive, images.name, images.podman
    ours, ours_gone, docker, docker_gone, theirs, theirs_gone = turns(
        times, images.ours("load", "-q", "-i", archive), images.ours("rmi", name),
        images.docker("load", "-q", "-i", archive), images.docker("rmi", name),
        lambda: podman("load", "-q", "-i", archive), lambda: podman("rmi", name))
    size = f"{os.path.getsize(archive) / 1e6:.0f} MB, {FILES:,} files"
    bench.row(f"load: an archive of {size} (n={times})", ours, "ms", 500, docker, "docker load")
    bench.row(f"load: the same beside podman (n={times})", ours, "ms", None, theirs, f"podman load, {podman.driver}")
    bench.row(f"load: rmi of it (n={times})", ours_gone, "ms", 20, docker_gone, "docker rmi")
    bench.row(f"load: rmi of it beside podman (n={times})", ours_gone, "ms", None, theirs_gone, "podman rmi")


def pull(bench, times):
    images = bench.images()
    images.start_registry()
    address, size = images.blob()
    name, podman, target = images.name, images.podman, f"{images.work}/plain"

    def floor():
        shell(f"curl -sf {address} | igzip -d > {target}")

    peers = (bench.dockerd.pid, bench.containerd.pid)
    for pid in (bench.daemon.pid,) + peers:
        reset_peak(pid)
    least, ours, _, docker, _, theirs, _ = turns(
        times, (floor, lambda: os.path.exists(target) and os.unlink(target)), images.ours("pull", "-q", name),
        images.ours("rmi", name), images.docker("pull", "-q", name), images.docker("rmi", name),
        lambda: podman("pull", "-q", "--tls-verify=false", name), lambda: podman("rmi", name))
    memory, theirs_memory = peak_mib(bench.daemon.pid), sum(peak_mib(pid) for pid in peers)
    what = f"{size / 1e6:.0f} MB compressed, from a registry on loopback"
    bench.row(f"pull: the same image, {what} (n={times})", ours, "ms", round(1.5 * least), docker, "docker pull",
              note="the bar is 1.5 times what fetching and inflating take alone")
    bench.row(f"pull: the same beside podman (n={times})", ours, "ms", None, theirs, f"podman pull, {podman.driver}")
    bench.row(f"pull: the same beside fetching and inflating alone (n={times})", ours, "ms", None, least,
              "curl | igzip -d > file")
    bench.row("pull: most memory of the daemon meanwhile", memory, "MiB", 64, theirs_memory, "dockerd + containerd")
    shared(bench, images, times)


def shared(bench, images, times):
    """A second image that has the large layer too."""
    for get in (images.ours, images.docker):
        get("pull", "-q", images.name)()
    second = images.second
    ours, _, docker, _ = turns(
        times, images.ours("pull", "-q", second), images.ours("rmi", second), images.docker("pull", "-q", second),
        images.docker("rmi", second))
    images.ours("rmi", images.name)()
    images.docker("rmi", images.name)()
    bench.row(f"pull: a second image on the same layer (n={times})", ours, "ms", None, docker, "docker pull")


def push(bench, times):
    images = bench.images()
    images.start_registry()
    archive, name, layer = images.archive, images.name, images.layer
    for get in (images.ours, images.docker):
        get("load", "-q", "-i", archive)()
    tools = {"gzip -1": f"gzip -1 -c {layer} > {images.work}/packed", "igzip -1": f"igzip -1 -c {layer} > {images.work}/packed",
             "pigz -1": f"pigz -1 -c {layer} > {images.work}/packed"}
    ours, docker, *alone = turns(
        times, (images.ours("push", "-q", name), images.clear_registry), (images.docker("push", "-q", name), images.clear_registry),
        *[lambda script=script: shell(script) for script in tools.values()])
    images.ours("rmi", name)()
    images.docker("rmi", name)()
    bench.row(f"push: an image whose layer is not compressed here (n={times})", ours, "ms", round(1.3 * alone[0]), docker,
              "docker push", note="the bar is 1.3 times what `gzip -1` takes alone")
    for tool, took in zip(tools, alone):
        bench.row(f"push: the same beside compressing alone (n={times})", ours, "ms", None, took, tool)

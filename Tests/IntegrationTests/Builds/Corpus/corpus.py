#!/usr/bin/env python3
"""Builds the corpus with one builder or another and compares what comes out. See README.md.

    corpus.py check --host unix://SOCKET --stackctl FILE [NAME...]   differences from the listings, a line each
    corpus.py accept --host unix://SOCKET --stackctl FILE NAME...    writes listings of our own builder's results
    corpus.py oracle [NAME...]                                       writes listings of Debian's dockerd and buildah
    corpus.py buildah [NAME...]                                      differences of what buildah makes
"""
import concurrent.futures
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BASE = "busybox:lab"
EPOCH = 1600000000


def names():
    return sorted(entry for entry in os.listdir(HERE) if os.path.isdir(f"{HERE}/{entry}/context"))


def quiet(*command, **options):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, **options)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{' '.join(command[:6])} … did not end") from None
    if done.returncode != 0:
        text = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise RuntimeError(f"{' '.join(command[:3])} …: {text[-1500:]}")
    return done.stdout


# --- what is built ---------------------------------------------------------------------------------------------------

class Case:
    """A Dockerfile with its context, and what `expect` says of it."""

    def __init__(self, name):
        self.name = name
        self.oracle = "docker"
        self.arguments, self.contexts, self.secrets, self.images, self.excepted = [], [], [], [], []
        self.target = None
        with open(f"{HERE}/{name}/expect") as lines:
            for line in lines:
                word, _, value = line.rstrip("\n").partition(" ")
                if word == "oracle":
                    self.oracle = value
                elif word == "target":
                    self.target = value
                elif word == "arg":
                    self.arguments.append(value)
                elif word == "context":
                    self.contexts.append(value.partition("=")[::2])
                elif word == "secret":
                    self.secrets.append(value.partition("=")[::2])
                elif word == "image":
                    self.images.append(value.split(" "))
                elif word == "except":
                    self.excepted.append(value.partition(" -- ")[0])
                elif word and not word.startswith("#"):
                    raise RuntimeError(f"{name}/expect: {line}")

    def prepare(self, work):
        """Copies the files to `work`, with modes and times that no checkout changes, and gives the options."""
        shutil.copytree(f"{HERE}/{self.name}", work, symlinks=True)
        for folder, folders, files in os.walk(work):
            for name in folders + files:
                path = f"{folder}/{name}"
                if not os.path.islink(path):
                    runs = os.path.isdir(path) or os.stat(path).st_mode & 0o100
                    os.chmod(path, 0o755 if runs else 0o644)
                os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
        options = []
        for argument in self.arguments:
            options += ["--build-arg", argument]
        for name, place in self.contexts:
            options += ["--build-context", f"{name}={place}" if ":" in place else f"{name}={work}/{place}"]
        for name, value in self.secrets:
            with open(f"{work}/secret-{name}", "w") as file:
                file.write(value)
            options += ["--secret", f"id={name},src={work}/secret-{name}"]
        if self.target:
            options += ["--target", self.target]
        return options


def rootfs(path):
    """The files of the base image."""
    for folder in ["bin", "etc", "home/app", "opt", "proc", "root", "sys", "dev", "tmp", "usr/local/bin", "var", "srv"]:
        os.makedirs(f"{path}/{folder}")
    shutil.copy("/usr/bin/busybox", f"{path}/bin/busybox")
    os.chmod(f"{path}/bin/busybox", 0o755)
    for name in quiet("/usr/bin/busybox", "--list").decode().split():
        if name != "busybox":
            os.symlink("busybox", f"{path}/bin/{name}")
    for name, text in [
        ("passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"),
        ("group", "root:x:0:\napp:x:1000:\nnogroup:x:65534:\n"),
        ("shadow", "root:*:::::::\n"),
    ]:
        with open(f"{path}/etc/{name}", "w") as file:
            file.write(text)
    os.chmod(f"{path}/tmp", 0o1777)
    os.chown(f"{path}/home/app", 1000, 1000)


def archive_of_rootfs():
    with tempfile.TemporaryDirectory() as work:
        rootfs(f"{work}/rootfs")
        return quiet(
            "tar", "-C", f"{work}/rootfs", "--sort=name", f"--mtime=@{EPOCH}", "--numeric-owner", "-c", ".")


# --- what came out ---------------------------------------------------------------------------------------------------

class Image:
    """An image in the form of `docker save`."""

    def __init__(self, data):
        self.archive = tarfile.open(fileobj=io.BytesIO(data))
        manifest = json.load(self.archive.extractfile("manifest.json"))[0]
        self.config = json.load(self.archive.extractfile(manifest["Config"]))
        self.layers = manifest["Layers"]
        self.tree = {}
        for layer in self.layers:
            self.apply(self.archive.extractfile(layer))

    def apply(self, file):
        with tarfile.open(fileobj=io.BytesIO(file.read())) as layer:
            members = list(layer)
            for member in members:
                path = member.name.strip("/").removeprefix("./").strip("/")
                folder, _, name = path.rpartition("/")
                if name == ".wh..wh..opq":
                    self.remove(folder, inside=True)
                elif name.startswith(".wh."):
                    self.remove(f"{folder}/{name[4:]}".strip("/"))
            for member in members:
                self.take(layer, member)

    def remove(self, path, inside=False):
        for known in [known for known in self.tree if known.startswith(path + "/") or known == path and not inside]:
            del self.tree[known]

    def take(self, layer, member):
        path = member.name.strip("/").removeprefix("./").strip("/")
        if path in ("", ".") or path.rpartition("/")[2].startswith(".wh."):
            return
        if member.islnk():
            self.tree[path] = self.tree[member.linkname.strip("/").removeprefix("./")]
            return
        before = self.tree.get(path)
        if before and before[0] == "d" and not member.isdir():
            self.remove(path)
        kind = "d" if member.isdir() else "l" if member.issym() else "p" if member.isfifo() else "f"
        content = ""
        if kind == "l":
            content = json.dumps(member.linkname)
        elif kind == "f":
            data = layer.extractfile(member).read()
            content = f"{len(data)} {hashlib.sha256(data).hexdigest()}"
        marks = " ".join(
            f"{key.removeprefix('SCHILY.xattr.')}={value!r}" for key, value in sorted(member.pax_headers.items())
            if key.startswith("SCHILY.xattr."))
        mode = "-" if kind == "l" else f"{member.mode & 0o7777:04o}"
        self.tree[path] = (kind, mode, f"{member.uid}:{member.gid}", content, marks)

    def listing(self, base, history):
        """Configuration, then files: those that the base has alike are left out."""
        lines = []
        config = self.config.get("config") or {}
        for key in ["User", "WorkingDir", "Entrypoint", "Cmd", "Shell", "StopSignal", "Healthcheck", "OnBuild"]:
            value = config.get(key)
            if value not in (None, "", [], {}) and not (key == "WorkingDir" and value == "/"):
                lines.append(f"{key} {json.dumps(value, sort_keys=True, ensure_ascii=False)}")
        for value in config.get("Env") or []:
            lines.append(f"Env {json.dumps(value, ensure_ascii=False)}")
        for key, value in sorted((config.get("Labels") or {}).items()):
            lines.append(f"Label {json.dumps(key)} {json.dumps(value)}")
        for key in ["ExposedPorts", "Volumes"]:
            for value in sorted(config.get(key) or {}):
                lines.append(f"{key} {json.dumps(value)}")
        if self.config.get("author"):
            lines.append(f"Author {self.config['author']}")
        if history:
            steps = self.config["history"]
            if self.has(base):
                steps = steps[len(base.config["history"]):]
            for step in steps:
                # Dates are no matter of a Dockerfile.
                empty = "-" if step.get("empty_layer") else "+"
                lines.append(f"History {empty} {json.dumps(told(step.get('created_by', '')), ensure_ascii=False)}")
        known = base.tree if self.has(base) else {}
        tool = base.tree["bin/busybox"][3]
        for path in sorted(set(self.tree) | set(known)):
            entry = self.tree.get(path)
            if entry is None:
                lines.append(f"/{json.dumps(path, ensure_ascii=False)[1:-1]} gone")
            elif entry != known.get(path):
                kind, mode, owner, content, marks = entry
                content = "busybox" if content == tool else content
                shown = json.dumps(path, ensure_ascii=False)[1:-1]
                lines.append(" ".join(part for part in [f"/{shown}", kind, mode, owner, content, marks] if part))
        return lines

    def has(self, base):
        layers, below = self.config["rootfs"]["diff_ids"], base.config["rootfs"]["diff_ids"]
        return layers[:len(below)] == below


def told(words):
    """A line of the history, without what Docker 20.10 says in other words than BuildKit has since.

    Those are ports as a map, the fields of a check, paths as they were written, values of arguments, and flags.
    """
    name, _, rest = words.partition(" ")
    if name == "EXPOSE":
        return f"EXPOSE {sorted(set(port.removesuffix(':{}') for port in rest.removeprefix('map').strip('[]').split()))}"
    if name == "HEALTHCHECK":
        return name
    if name == "WORKDIR":
        return f"WORKDIR {os.path.normpath(rest)}"
    if name == "ARG":
        return words.partition("=")[0]
    if name in ("ADD", "COPY"):
        return " ".join([name, *[word for word in rest.split(" ") if not word.startswith(("--chown=", "--chmod="))]])
    return words


# --- builders --------------------------------------------------------------------------------------------------------

class Ours:
    name = "stackctl"
    history = True
    marks = ()

    def __init__(self, host, stackctl):
        self.host = host
        self.command = [stackctl, "-H", host]
        self.client = next(path for path in ["/usr/local/bin/docker", "/usr/bin/docker"] if os.path.exists(path))
        subprocess.run([self.client, "-H", host, "import", "-", BASE], input=archive_of_rootfs(), check=True,
                       capture_output=True)
        self.base = Image(self.save(BASE))

    def save(self, tag):
        return quiet(self.client, "-H", self.host, "save", tag)

    def build(self, tag, folder, options, dockerfile):
        quiet(*self.command, "build", "--quiet", "-t", tag, "-f", dockerfile, *options, folder)
        return tag

    def close(self):
        pass


class Docker:
    """Debian's dockerd, with the BuildKit that is in it, on roots and in a network namespace of its own."""

    name = "docker"
    history = True
    marks = ()

    def __init__(self, work):
        self.work = work
        self.processes = []
        self.log = open(f"{work}/log", "w")
        holder = self.start("unshare", "--net", "sh", "-c", "ip link set lo up; exec sleep infinity")
        self.wait(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        inside = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
        with open(f"{work}/containerd.toml", "w") as file:
            file.write('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        self.start(*inside, "containerd", "--config", f"{work}/containerd.toml", "--root", f"{work}/c-root", "--state",
                   f"{work}/c-run", "--address", f"{work}/containerd.sock")
        self.wait(lambda: os.path.exists(f"{work}/containerd.sock"))
        self.start(*inside, "dockerd", "--data-root", f"{work}/d-root", "--exec-root", f"{work}/d-run", "--pidfile",
                   f"{work}/dockerd.pid", "--host", f"unix://{work}/docker.sock", "--containerd",
                   f"{work}/containerd.sock")
        self.command = ["/usr/bin/docker", "-H", f"unix://{work}/docker.sock"]
        self.wait(lambda: subprocess.run([*self.command, "version"], capture_output=True).returncode == 0)
        subprocess.run([*self.command, "import", "-", BASE], input=archive_of_rootfs(), check=True, capture_output=True)
        self.base = Image(self.save(BASE))

    def start(self, *command):
        process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                   start_new_session=True)
        self.processes.append(process)
        return process

    def wait(self, condition, seconds=40):
        for _ in range(seconds * 20):
            try:
                if condition():
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"Debian's docker did not start, see {self.work}/log")

    def save(self, tag):
        return quiet(*self.command, "save", tag)

    def build(self, tag, folder, options, dockerfile):
        quiet(*self.command, "build", "--network", "none", "-t", tag, "-f", dockerfile, *options, folder,
              env={**os.environ, "DOCKER_BUILDKIT": "1"})
        return tag

    def close(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        with open("/proc/self/mounts") as lines:
            for target in reversed([line.split()[1] for line in lines]):
                if target.startswith(self.work + "/"):
                    subprocess.run(["umount", "-l", target], capture_output=True)


class Buildah:
    """Debian's buildah on a root of its own; its history has other words."""

    name = "buildah"
    history = False
    # What it leaves in each image.
    marks = ('Label "io.buildah', "/etc/hostname f", "/etc/hosts f", "/etc/resolv.conf f", "/run d")

    def __init__(self, work):
        self.work = work
        self.command = ["buildah", "--root", f"{work}/root", "--runroot", f"{work}/run", "--storage-driver", "vfs"]
        with open(f"{work}/base.tar", "wb") as file:
            file.write(archive_of_rootfs())
        made = quiet(*self.command, "from", "scratch").decode().strip()
        quiet(*self.command, "add", made, f"{work}/base.tar", "/")
        quiet(*self.command, "commit", made, f"localhost/{BASE}")
        self.base = Image(self.save(f"localhost/{BASE}"))

    def save(self, tag):
        path = f"{self.work}/image.tar"
        if os.path.exists(path):
            os.remove(path)
        quiet(*self.command, "push", tag, f"docker-archive:{path}")
        with open(path, "rb") as file:
            return file.read()

    def build(self, tag, folder, options, dockerfile):
        quiet(*self.command, "bud", "--layers", "--isolation", "chroot", "-t", f"localhost/{tag}", "-f", dockerfile,
              *options, folder)
        return f"localhost/{tag}"

    def close(self):
        subprocess.run(["umount", "-l", f"{self.work}/root/vfs"], capture_output=True)


def result(case, builder, with_history):
    """The listing of what a builder makes of a case."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as work:
        folder = f"{work}/case"
        options = case.prepare(folder)
        for tag, dockerfile in case.images:
            builder.build(tag, f"{folder}/context", [], f"{folder}/context/{dockerfile}")
        tag = builder.build(f"corpus-{case.name}:lab", f"{folder}/context", options, f"{folder}/context/Dockerfile")
        return Image(builder.save(tag)).listing(builder.base, with_history)


def stored(case):
    with open(f"{HERE}/{case.name}/listing") as file:
        maker, *lines = file.read().splitlines()
    return maker, lines


def store(case, builder, lines):
    with open(f"{HERE}/{case.name}/listing", "w") as file:
        file.write("\n".join([f"# made by {builder.name}", *lines]) + "\n")


def check(builder, wanted):
    """Prints what differs from the listings."""

    def compare(name):
        case = Case(name)
        try:
            maker, expected = stored(case)
            tells = builder.history and any(line.startswith("History") for line in expected)
            expected = [line for line in expected if tells or not line.startswith("History")]
            found = result(case, builder, tells)
        except Exception as error:
            return [f"{name}: {error}"]
        # BuildKit gives each step a layer, if an empty one; we give none where nothing changed.
        for index, line in enumerate(expected):
            other = line.replace("History + ", "History - ", 1)
            if found.count(line) < expected.count(line) and found.count(other) > expected.count(other):
                expected[index] = other
        counts = {line: found.count(line) - expected.count(line) for line in {*found, *expected}}
        lines = [("+ " if count > 0 else "- ") + line for line, count in counts.items() if count]
        passed = (*case.excepted, *builder.marks)
        lines = [line for line in lines if not line[2:].startswith(passed)]
        if not lines and [line for line in found if line in expected] != [line for line in expected if line in found]:
            lines = ["the order differs"]
        return [f"{name}: {line}" for line in sorted(lines, key=lambda line: line[2:])]

    # One at a time where a case makes an image that another one makes too.
    shared = [name for name in wanted if Case(name).images]
    with concurrent.futures.ThreadPoolExecutor(3 if builder.history else 1) as pool:
        lines = [line for found in pool.map(compare, [name for name in wanted if name not in shared]) for line in found]
    for name in shared:
        lines += compare(name)
    print(f"{len(wanted)} built")
    for line in lines:
        print(line)
    return 1 if lines else 0


def consult(wanted):
    """Writes the listings of those that other builders can build."""
    with tempfile.TemporaryDirectory(prefix="corpus-oracle-") as work:
        builders = {}
        try:
            for kind, of in [("docker", Docker), ("buildah", Buildah)]:
                cases = [case for case in map(Case, wanted) if case.oracle == kind]
                if cases:
                    os.makedirs(f"{work}/{kind}")
                    builders[kind] = of(f"{work}/{kind}")
                for case in cases:
                    try:
                        lines = result(case, builders[kind], builders[kind].history)
                        store(case, builders[kind], lines)
                        print(f"{case.name}: {kind}", flush=True)
                    except Exception as error:
                        print(f"{case.name}: {kind} FAILED: {error}", flush=True)
        finally:
            for builder in builders.values():
                builder.close()


def main(words):
    command, *rest = words or ["help"]
    options = {"--host": None, "--stackctl": "stackctl"}
    while rest and rest[0] in options:
        options[rest[0]] = rest[1]
        rest = rest[2:]
    wanted = rest or names()
    if command == "check":
        return check(Ours(options["--host"], options["--stackctl"]), wanted)
    if command == "accept":
        builder = Ours(options["--host"], options["--stackctl"])
        for name in wanted:
            store(Case(name), builder, result(Case(name), builder, True))
        return 0
    if command == "oracle":
        return consult(wanted)
    if command == "buildah":
        with tempfile.TemporaryDirectory(prefix="corpus-buildah-") as work:
            builder = Buildah(work)
            try:
                return check(builder, wanted)
            finally:
                builder.close()
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

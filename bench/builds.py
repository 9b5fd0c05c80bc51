"""Rows of builds: RUN steps, a large context, a real C program, a large COPY, stages side by side. See bench/README.md."""

import os
import shutil
import statistics
import subprocess
import tarfile
import time

FILES = 20_000
COPY_BYTES = 1 << 30
SOURCES = 60
FUNCTIONS = 220


def quiet(*command, **options):
    try:
        return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, **options)
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{' '.join(command)}: {(error.stderr or error.stdout).decode(errors='replace')}") from None


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def seconds(run):
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


class Buildah:
    """Debian's buildah on a root of its own, chroot isolation: what runs without a network of its own."""

    def __init__(self, work):
        self.work = work
        self.base = ["buildah", "--root", f"{work}/buildah", "--runroot", f"{work}/buildah-run", "--storage-driver"]
        for driver in ("overlay", "vfs"):
            try:
                quiet(*self.base, driver, "images")
                self.base.append(driver)
                return
            except RuntimeError as error:
                shutil.rmtree(f"{work}/buildah", ignore_errors=True)
                reason = error
        raise RuntimeError(f"buildah does not run here: {reason}")

    def take(self, archive, name):
        made = quiet(*self.base, "from", "scratch").stdout.decode().strip()
        quiet(*self.base, "add", made, archive, "/")
        quiet(*self.base, "commit", made, name)
        quiet(*self.base, "rm", made)

    def build(self, folder, *arguments):
        quiet(*self.base, "bud", "--layers", "--isolation", "chroot", "-t", "bench", *arguments, folder)

    def close(self):
        subprocess.run(["umount", "-l", f"{self.work}/buildah/overlay"], capture_output=True)


class Builds:
    """What the rows share: the three builders, as functions of a folder."""

    def __init__(self, bench, call):
        self.bench = bench
        self.call = call
        self.work = f"{bench.work}/builds"
        os.makedirs(self.work)
        bench.start_docker()
        self.buildah = Buildah(self.work)
        bench.stack.append(self.buildah.close)
        with tarfile.open(f"{self.work}/tiny.tar", "w") as archive:
            archive.add(f"{bench.work}/rootfs", ".")
        self.buildah.take(f"{self.work}/tiny.tar", "localhost/tiny")

    def ours(self, folder, *arguments):
        result = self.bench.stackctl("build", "--quiet", "-t", "bench", *arguments, folder, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"stackctl build: {result.stderr}")

    def docker(self, folder, *arguments):
        # The engine has its own BuildKit, but no client here speaks to it: this is the builder the stock client gets.
        quiet("docker", "-H", f"unix://{self.bench.docker}", "build", "--quiet", "-t", "bench", *arguments, folder,
              env=dict(os.environ, DOCKER_BUILDKIT="0"))

    def stock(self, folder, *arguments):
        quiet("docker", "-H", f"unix://{self.bench.ours}", "build", "--quiet", "-t", "bench", *arguments, folder,
              env=dict(os.environ, DOCKER_BUILDKIT="0"))

    def folder(self, name, dockerfile):
        path = f"{self.work}/{name}"
        os.makedirs(path, exist_ok=True)
        write(f"{path}/Dockerfile", dockerfile)
        return path


def medians(times, *runs):
    """Medians in milliseconds of runs that take turns, after one round that is thrown away."""
    samples = [[] for _ in runs]
    for round_ in range(times + 1):
        for index, run in enumerate(runs):
            took = seconds(run) * 1000
            if round_ > 0:
                samples[index].append(took)
    return [statistics.median(each) for each in samples]


def steps(builds):
    """Two trivial RUN steps, never seen before, and the same again."""
    counter = iter(range(10**6))

    def fresh(build, base):
        def run():
            number = next(counter)
            build(builds.folder("steps", f"FROM {base}\nRUN true {os.getpid()} {number}\nRUN true again {number}\n"))
        return run
    row = builds.bench.row
    ours, stock, docker, buildah = medians(
        9, fresh(builds.ours, "tiny"), fresh(builds.stock, "tiny"), fresh(builds.docker, "tiny"),
        fresh(builds.buildah.build, "localhost/tiny"))
    row("builds: two trivial RUN steps (n=9)", ours, "ms", 100, docker, "docker build")
    row("builds: the same beside buildah (n=9)", ours, "ms", None, buildah, "buildah bud")
    row("builds: the same by the stock client (n=9)", stock, "ms", None, docker, "docker build")
    folder = builds.folder("cached", "FROM tiny\nRUN true\nRUN true again\n")
    theirs = builds.folder("cached-buildah", "FROM localhost/tiny\nRUN true\nRUN true again\n")
    ours, stock, docker, buildah = medians(
        15, lambda: builds.ours(folder), lambda: builds.stock(folder), lambda: builds.docker(folder),
        lambda: builds.buildah.build(theirs))
    row("builds: the same two, cached (n=15)", ours, "ms", 15, docker, "docker build")
    row("builds: the same two, cached, beside buildah (n=15)", ours, "ms", None, buildah, "buildah bud")
    row("builds: the same two, cached, by the stock client (n=15)", stock, "ms", None, docker, "docker build")


def context(builds):
    """20,000 small files that have not changed."""
    folder = builds.folder("context", "FROM scratch\nCOPY . /\n")
    for number in range(FILES):
        path = f"{folder}/{number // 200:03}"
        os.makedirs(path, exist_ok=True)
        write(f"{path}/{number:05}.txt", f"file {number}\n" * 20)
    ours, docker, buildah = medians(
        5, lambda: builds.ours(folder), lambda: builds.docker(folder), lambda: builds.buildah.build(folder))
    builds.bench.row(f"builds: a context of {FILES:,} files, unchanged (n=5)", ours, "ms", 300, docker, "docker build")
    builds.bench.row("builds: the same beside buildah (n=5)", ours, "ms", None, buildah, "buildah bud")


def program(builds):
    """A C program, compiled in a Debian image and copied to scratch, beside the commands alone in a container."""
    archive = f"{builds.work}/debian.tar"
    quiet("mmdebstrap", "--variant=minbase", "--include=gcc,libc6-dev,make", "bookworm", archive)
    for path in (builds.bench.ours, builds.bench.docker):
        quiet("docker", "-H", f"unix://{path}", "import", archive, "debian-gcc")
    counter = iter(range(10**6))
    folder = builds.folder("program", "FROM debian-gcc AS build\nWORKDIR /src\nCOPY . .\nRUN make -s\n"
                                      "FROM scratch\nCOPY --from=build /src/program /program\nCMD [\"/program\"]\n")
    write(f"{folder}/Makefile", "objects = $(patsubst %.c,%.o,$(wildcard *.c))\nCFLAGS = -O2\n"
                                "program: $(objects)\n\t$(CC) -static -o $@ $(objects)\n")

    def source(number):
        lines = [f"int part{number}_{each}(int x) {{ int s = {next(counter)}; for (int i = 0; i < x; i++) s += i * s ^ {each};"
                 " return s; }" for each in range(FUNCTIONS)]
        write(f"{folder}/part{number}.c", "\n".join(lines) + "\n")
    write(f"{folder}/main.c", "int part0_0(int); int main(void) { return part0_0(3) == 7; }\n")
    for number in range(SOURCES):
        source(number)

    def alone():
        source(0)
        name = f"bench-alone-{next(counter)}"
        docker = ["docker", "-H", f"unix://{builds.bench.ours}"]
        quiet(*docker, "create", "--name", name, "-w", "/src", "debian-gcc", "make", "-s")
        quiet(*docker, "cp", f"{folder}/.", f"{name}:/src")
        quiet(*docker, "start", "-a", name)
        quiet(*docker, "rm", name)

    def built(build):
        def run():
            source(0)
            build(folder)
        return run
    ours, bare, docker = medians(3, built(builds.ours), alone, built(builds.docker))
    builds.bench.row("builds: a C program of 60 files, Debian to scratch (n=3)", ours, "ms", bare * 1.1, docker, "docker build")
    builds.bench.row("builds: the same beside the commands alone (n=3)", ours, "ms", None, bare, "make in a container")


def copy(builds):
    """1 GB that was never seen before, beside `cp`."""
    folder = builds.folder("copy", "FROM scratch\nCOPY big /big\n")
    block = os.urandom(1 << 20)
    with open(f"{folder}/big", "wb") as file:
        for _ in range(COPY_BYTES >> 20):
            file.write(block)
    counter = iter(range(1, 10**6))

    def fresh(run):
        with open(f"{folder}/big", "r+b") as file:
            file.write(next(counter).to_bytes(8, "little") + os.urandom(8))
        # What the run before left to be written or removed is none of this one's.
        os.sync()
        time.sleep(3)
        os.sync()
        return seconds(run) * 1000

    def plain():
        quiet("cp", f"{folder}/big", f"{builds.work}/big.copy")

    def lasting():
        quiet("sh", "-ec", f"cp {folder}/big {builds.work}/big.copy; sync {builds.work}/big.copy")
    runs = {"ours": lambda: builds.ours(folder), "cp": plain, "sync": lasting, "docker": lambda: builds.docker(folder),
            "buildah": lambda: builds.buildah.build(folder), "stock": lambda: builds.stock(folder)}
    samples = {name: [] for name in runs}
    for round_ in range(4):
        for name, run in runs.items():
            if os.path.exists(f"{builds.work}/big.copy"):
                os.unlink(f"{builds.work}/big.copy")
            took = fresh(run)
            if round_ > 0:
                samples[name].append(took)
    ours, cp, lasts, docker, buildah, stock = (statistics.median(each) for each in samples.values())
    builds.bench.row("builds: COPY of 1 GB (n=3)", ours, "ms", cp * 1.5, docker, "docker build")
    builds.bench.row("builds: COPY of 1 GB beside cp (n=3)", ours, "ms", None, cp, "cp")
    builds.bench.row("builds: COPY of 1 GB beside cp onto the disk (n=3)", ours, "ms", None, lasts, "cp; sync")
    builds.bench.row("builds: COPY of 1 GB beside buildah (n=3)", ours, "ms", None, buildah, "buildah bud")
    builds.bench.row("builds: COPY of 1 GB by the stock client (n=3)", stock, "ms", None, docker, "docker build")


def parallel(builds):
    """Three stages of one second each, that do not need each other."""
    counter = iter(range(10**6))

    def fresh(build):
        def run():
            number = next(counter)
            stages = "".join(f"FROM tiny AS s{each}\nRUN sleep 1; echo {os.getpid()} {number} > /f{each}\n" for each in range(3))
            build(builds.folder("parallel", stages + "FROM scratch\n" + "".join(
                f"COPY --from=s{each} /f{each} /\n" for each in range(3))))
        return run
    ours, docker = medians(3, fresh(builds.ours), fresh(builds.docker))
    builds.bench.row("builds: three stages of 1 s each (n=3)", ours, "ms", 1500, docker, "docker build")


ROWS = {"steps": steps, "context": context, "stages": parallel, "copy": copy, "program": program}


def run(bench, call, names):
    builds = Builds(bench, call)
    for name, rows in ROWS.items():
        if not names or name in names:
            rows(builds)

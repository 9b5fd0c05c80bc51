"""Rows of compose projects: up, the same again, down, and what a long file takes to be read. See bench/README.md."""

import os
import shutil
import subprocess
import time

from builds import medians, write

SERVICES = 20
LINES = 2000
# As process 1 a shell would not hear SIGTERM without a trap.
COMMAND = "command: [\"/bin/sh\", \"-c\", \"trap 'exit 0' TERM; sleep 1000000 & wait\"]"


def project():
    """Small services on one network, in a file that both programs read."""
    services = "".join(f"  s{number}: {{<<: *small}}\n" for number in range(SERVICES))
    return f"version: \"3.9\"\nx-small: &small\n  image: tiny\n  {COMMAND}\nservices:\n{services}"


def long_project():
    """Services that share what anchors name, some 2,000 lines of them."""
    lines = ["version: \"3.9\"", "x-environment: &environment", "  LEVEL: ${LEVEL:-info}", "  REGION: eu",
             "x-common: &common", "  image: tiny", "  restart: unless-stopped", "  logging: &logging",
             "    driver: json-file", "    options: {max-size: 10m, max-file: \"3\"}", "services:"]
    number = 0
    while len(lines) < LINES - 16:
        lines += [
            f"  service{number}:", "    <<: *common", f"    command: [\"run\", \"--number\", \"{number}\"]",
            "    environment:", "      <<: *environment", f"      NUMBER: \"{number}\"",
            f"      ADDRESS: http://service{number}:${{PORT:-8080}}/", "    ports:", f"      - \"{10000 + number}:8080\"",
            "    volumes:", f"      - data{number % 5}:/data", "      - type: tmpfs", "        target: /scratch",
            "    networks: [front, back]", "    healthcheck:", "      test: [\"CMD\", \"true\"]", "      interval: 10s",
            "    labels:", f"      number: \"{number}\"", "      kind: ${KIND:-plain}"]
        if number > 0:
            lines.append(f"    depends_on: [service{number - 1}]")
        number += 1
    lines += ["networks:", "  front: {}", "  back: {internal: true}", "volumes:"]
    lines += [f"  data{number}: {{}}" for number in range(5)]
    return "\n".join(lines) + "\n"


class Projects:
    """What the rows share: the same folder, by our program and by Debian's docker-compose on Debian's engine."""

    def __init__(self, bench):
        self.bench = bench
        bench.start_docker()
        self.folder = f"{bench.work}/compose-bench"
        os.makedirs(self.folder)
        write(f"{self.folder}/docker-compose.yml", project())
        write(f"{self.folder}/long.yml", long_project())
        self.stock = shutil.which("docker-compose")

    def ours(self, *arguments):
        self.run([f"{self.bench.build}/stackctl", "compose", *arguments], self.bench.environment)

    def peer(self, *arguments):
        self.run([self.stock, "--ansi", "never", *arguments],
                 dict(os.environ, DOCKER_HOST=f"unix://{self.bench.docker}", COMPOSE_PARALLEL_LIMIT="64"))

    def run(self, command, environment):
        result = subprocess.run(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {result.stderr.decode(errors='replace')}")


def timed(samples, run):
    begin = time.perf_counter()
    run()
    samples.append((time.perf_counter() - begin) * 1000)


def median(samples):
    """Without the first, which is thrown away."""
    rest = sorted(samples[1:])
    return rest[len(rest) // 2]


def life(projects, names):
    """Up, the same again, down; both engines take turns."""
    kinds = {"up": ["up", "-d"], "noop": ["up", "-d"], "down": ["down"]}
    samples = {kind: ([], []) for kind in kinds}
    for _ in range(4):
        for index, run in enumerate((projects.ours, projects.peer)):
            yes = ["--yes"] if index == 0 else []
            for kind, arguments in kinds.items():
                if kind == "noop":
                    time.sleep(1)  # Twenty processes that have just begun would be measured with it.
                timed(samples[kind][index], lambda: run(*arguments, *(yes if kind != "down" else [])))
    for kind, what, bar in (("up", f"up of {SERVICES} small services", 1000), ("noop", "up where nothing changed", 50),
                            ("down", f"down of {SERVICES} small services", 700)):
        if not names or kind in names:
            ours, peer = (median(each) for each in samples[kind])
            projects.bench.row(f"compose: {what} (n=3)", ours, "ms", bar, peer, "docker-compose 1.29")


def config(projects):
    ours, peer = medians(
        7, lambda: projects.ours("-f", "long.yml", "config"), lambda: projects.peer("-f", "long.yml", "config"))
    projects.bench.row(f"compose: config of {LINES:,} lines with anchors (n=7)", ours, "ms", 50, peer, "docker-compose 1.29")


def run(bench, names):
    projects = Projects(bench)
    if not names or set(names) & {"up", "noop", "down"}:
        life(projects, names)
    if not names or "config" in names:
        config(projects)

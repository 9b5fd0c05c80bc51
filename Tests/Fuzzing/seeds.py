#!/usr/bin/env python3
"""Writes the seeds of the fuzzed parsers: `seeds.py [CORPUS]`, with tools that nobody here wrote.

Files that are there already are written again; findings, which have other names, stay.
"""
import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zlib

corpus = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "Corpus")


def seed(target, name, data):
    folder = os.path.join(corpus, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, **options).stdout


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


# --- tar, by GNU tar and by Python's tarfile -----------------------------------------------------------------------

def files(root):
    os.makedirs(root + "/usr/bin")
    os.makedirs(root + "/etc")
    open(root + "/etc/passwd", "w").write("root:x:0:0::/:/bin/sh\n")
    open(root + "/usr/bin/tool", "wb").write(bytes(range(256)) * 4)
    os.chmod(root + "/usr/bin/tool", 0o4755)
    os.symlink("../usr/bin/tool", root + "/etc/tool")
    os.link(root + "/etc/passwd", root + "/etc/shadow")
    os.mkfifo(root + "/etc/fifo")
    open(root + "/etc/" + "n" * 120, "w").write("long")
    with open(root + "/etc/sparse", "wb") as file:
        file.seek(8192)
        file.write(b"data")
        file.truncate(20000)
    for path, folders, names in os.walk(root, topdown=False):
        for name in names + folders:
            os.utime(os.path.join(path, name), ns=(1700000000123456789,) * 2, follow_symlinks=False)


def tars():
    with tempfile.TemporaryDirectory() as root:
        files(root)
        common = ["tar", "-C", root, "--sort=name", "--owner=0", "--group=0", "-b1", "-cf", "-"]
        for form in ["v7", "ustar", "gnu", "posix"]:
            names = ["usr"] if form in ["v7", "ustar"] else ["."]
            seed("tar", form, run(*common, "--format=" + form, *names))
        for version in ["0.0", "0.1", "1.0"]:
            seed("tar", "sparse-" + version, run(
                *common, "--format=posix", "--sparse", "--sparse-version=" + version, "etc/sparse"))
        seed("tar", "sparse-gnu", run(*common, "--format=gnu", "--sparse", "etc/sparse"))
        plain = run(*common, "--format=posix", "etc")
        seed("tar", "gzip", gzip.compress(plain, mtime=0))
        seed("tar", "zstd", run("zstd", "-qc", input=plain))

    def by_python(*entries, **options):
        output = io.BytesIO()
        with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT, **options) as archive:
            for name, change, data in entries:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                for key, value in change.items():
                    setattr(info, key, value)
                archive.addfile(info, io.BytesIO(data))
        return output.getvalue().rstrip(b"\0") + bytes(1536)

    seed("tar", "pax-everything", by_python(
        ("d", {"type": tarfile.DIRTYPE, "mode": 0o1777}, b""),
        ("d/" + "é" * 60, {"mtime": -1.25, "uid": 4000000000, "gid": 2097152}, b"x"),
        ("d/attributes", {"pax_headers": {"SCHILY.xattr.user.a": "1", "SCHILY.xattr.security.capability": "v\u0001"}}, b""),
        ("d/null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, b""),
        ("d/disk", {"type": tarfile.BLKTYPE, "devmajor": 4095, "devminor": 1048575}, b""),
        ("d/.wh.gone", {}, b""), ("d/.wh..wh..opq", {}, b""),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "/" + "t" * 150}, b""),
        ("hard", {"type": tarfile.LNKTYPE, "linkname": "d/attributes"}, b""),
        ("d/attributes", {"mtime": 5}, b"again"),
        pax_headers={"comment": "all of it", "uid": "7"}))
    seed("tar", "replaced", by_python(
        ("a", {"type": tarfile.DIRTYPE}, b""), ("a/b", {}, b"1"), ("h", {"type": tarfile.LNKTYPE, "linkname": "a/b"}, b""),
        ("a", {"type": tarfile.SYMTYPE, "linkname": "etc"}, b""), ("h", {}, b"2"), ("a", {"type": tarfile.DIRTYPE}, b""),
        ("a/b", {}, b"3")))
    seed("tar", "empty", bytes(1024))
    for name in os.listdir(os.path.join(corpus, "tar")):
        if name not in ["gzip", "zstd"]:
            shutil.copy(os.path.join(corpus, "tar", name), os.path.join(corpus, "tar-entries", name))


def compressed():
    text = b"the quick brown fox\n" * 40
    for level in [0, 1, 9]:
        seed("gzip", f"level-{level}", gzip.compress(text, level, mtime=0))
    seed("gzip", "members-and-padding", gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0) + bytes(700))
    seed("gzip", "all-fields", bytes([31, 139, 8, 30, 0, 0, 0, 0, 0, 3]) + struct.pack("<H", 4) + b"ab\0\0" + b"name\0"
         + b"comment\0" + b"\x12\x34" + gzip.compress(text, mtime=0)[10:])
    seed("gzip", "bomb", gzip.compress(bytes(3 << 20), 9, mtime=0))
    seed("gzip", "fixed", b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + raw_deflate(text, zlib.Z_FIXED) + struct.pack(
        "<II", zlib.crc32(text), len(text)))
    for level in ["1", "19"]:
        seed("zstd", f"level-{level}", run("zstd", "-qc", "-" + level, input=text))
    seed("zstd", "checked", run("zstd", "-qc", "--check", input=text * 9))
    seed("zstd", "frames", run("zstd", "-qc", input=b"one") + run("zstd", "-qc", input=text))
    seed("zstd", "skippable", struct.pack("<II", 0x184D2A50, 4) + b"skip" + run("zstd", "-qc", input=text))
    seed("zstd", "bomb", run("zstd", "-qc", "-19", input=bytes(8 << 20)))
    seed("zstd", "window", run("zstd", "-qc", "--long=27", input=text))


def raw_deflate(data, strategy):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 8, strategy)
    return packer.compress(data) + packer.flush()


def recipes():
    image = bytes(range(64))
    head = b"stackctl tar recipe 1\n"
    literal = b"\x01" + struct.pack("<Q", 5) + b"hello"
    zeros = b"\x02" + struct.pack("<Q", 100)
    contents = b"\x03" + struct.pack("<QQ", 8, 32)
    end = b"\0" + struct.pack("<Q", 137)
    for name, records in [
        ("whole", literal + zeros + contents + end), ("empty", b"\0" + struct.pack("<Q", 0)),
        ("huge", b"\x02" + b"\xff" * 8), ("outside", b"\x03" + b"\xff" * 16), ("cut", literal[:-2]),
    ]:
        seed("recipe", name, struct.pack("<H", len(image)) + image + head + records)


# --- images, by hand, skopeo and umoci -----------------------------------------------------------------------------

def pack(entries):
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return output.getvalue().rstrip(b"\0") + bytes(1536)


def layout(root):
    """An archive of an OCI layout's files, in the order of their names."""
    names = sorted(os.path.relpath(os.path.join(path, name), root) for path, _, found in os.walk(root) for name in found)
    return pack([(name, open(os.path.join(root, name), "rb").read()) for name in names])


def images():
    layer = pack([("hello", b"hi\n")])
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "created": "2024-01-01T00:00:00Z",
        "config": {"Cmd": ["/hello"], "Env": ["A=b"], "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}},
                   "Labels": {"a": "b"}, "Healthcheck": {"Test": ["CMD", "x"], "Interval": 1000000000}, "User": "1:2",
                   "WorkingDir": "/w", "StopSignal": "SIGTERM", "Entrypoint": None},
        "rootfs": {"type": "layers", "diff_ids": [sha(layer)]},
        "history": [{"created_by": "COPY hello /", "empty_layer": True}, {"comment": "x"}]}).encode()
    packed = gzip.compress(layer, mtime=0)
    docker = json.dumps([{"Config": "config.json", "RepoTags": ["demo:1"], "Layers": ["layer.tar"]}]).encode()
    seed("image-archive", "docker", pack([("config.json", config), ("layer.tar", layer), ("manifest.json", docker)]))
    seed("image-archive", "docker-gzip", gzip.compress(
        pack([("manifest.json", docker), ("config.json", config), ("layer.tar", packed)]), mtime=0))
    blob = lambda data: ("blobs/sha256/" + hashlib.sha256(data).hexdigest(), data)
    describe = lambda data, kind, **more: {"mediaType": kind, "digest": sha(data), "size": len(data), **more}
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": describe(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [describe(packed, "application/vnd.oci.image.layer.v1.tar+gzip")], "annotations": {"k": "v"}}).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [
        describe(manifest, "application/vnd.oci.image.manifest.v1+json", platform={"os": "linux", "architecture": "amd64"},
                 annotations={"org.opencontainers.image.ref.name": "demo:1"}),
        describe(b"other", "application/vnd.oci.image.manifest.v1+json",
                 platform={"os": "linux", "architecture": "arm64", "variant": "v8"})]}).encode()
    seed("image-archive", "oci", pack([blob(config), blob(packed), blob(manifest), ("index.json", index),
                                       ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')]))
    with tempfile.TemporaryDirectory() as work:
        root = work + "/umoci"
        run("umoci", "init", "--layout", root)
        run("umoci", "new", "--image", root + ":one")
        os.makedirs(work + "/files")
        open(work + "/files/hello", "w").write("hi\n")
        run("umoci", "insert", "--image", root + ":one", work + "/files", "/files")
        seed("image-archive", "umoci", layout(root))
        run("skopeo", "copy", "--quiet", "--format", "v2s2", "oci:" + root + ":one", "dir:" + work + "/dir")
        seed("documents", "skopeo-manifest", open(work + "/dir/manifest.json", "rb").read())
        for path, _, names in os.walk(root + "/blobs"):
            for name in names:
                data = open(os.path.join(path, name), "rb").read()
                if data[:1] == b"{":
                    kind = "config" if b"rootfs" in data else "manifest"
                    seed("documents", "umoci-" + kind, data)
    seed("documents", "config", config)
    seed("documents", "manifest", manifest)
    seed("documents", "index", index)
    seed("documents", "docker-list", docker)
    seed("documents", "foreign", json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": describe(config, "application/vnd.docker.container.image.v1+json"),
        "layers": [describe(packed, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                            urls=["https://example.com/layer"])]}))
    digest = "a" * 64
    for number, name in enumerate([
        "nginx", "library/nginx:1.25", "docker.io/library/nginx@sha256:" + digest, "localhost/a", "localhost:5000/a/b:c",
        "[::1]:5000/x:y", "Registry.Example/a__b/c-d.e", "index.docker.io/a", "docker.io/localhost/a", "sha256:" + digest,
        "linux/arm/v7", "linux/x86_64", "a:" + "t" * 128, "docker.io/library/library/a", "docker.io/a.b/c",
    ]):
        seed("references", f"name-{number:02}", name)


# --- text and messages ---------------------------------------------------------------------------------------------

def texts():
    seed("json", "kinds", '{"a":[1,-2.5e10,true,false,null,"\\u00e9\\ud83d\\ude00\\n\\"",{"b":{}}],"":[]," ":0}')
    seed("json", "numbers", "[0,-0,1e308,5e-324,9223372036854775807,-9223372036854775808,9223372036854775808,1.0]")
    seed("json", "deep", "[" * 100 + "]" * 100)
    seed("json", "keys", "{" + ",".join(f'"k{n}":{n}' for n in range(40)) + ',"k1":"again"}')
    seed("json", "surrogates", '["\\ud800","\\udc00\\ud800","\\ud800\\u0041"]')
    chunks = "4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\nTrailer: t\r\n\r\n"
    seed("http-request", "get", "GET /v1.41/images/json?all=1&filters=%7B%22a%22%3A1%7D HTTP/1.1\r\nHost: docker\r\n\r\n")
    seed("http-request", "chunked", "POST /images/load HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    seed("http-request", "length", "PUT / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
    seed("http-request", "absolute", "GET http://host/a%20b?c+d=%2B HTTP/1.1\r\nHost:\t host \r\nUpgrade: tcp\r\n\r\n")
    seed("http-request", "chunks", chunks)
    seed("http-response", "ok", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
    seed("http-response", "frames", b"HTTP/1.1 101 UPGRADED\r\n\r\n" + b"\x01\0\0\0\0\0\0\x03out" + b"\x02\0\0\0\0\0\0\x03err")
    seed("http-response", "no-reason", "HTTP/1.0 404 \r\nTransfer-Encoding: chunked\r\n\r\n")
    seed("registry-fields", "bearer",
         'Bearer realm="https://auth.example/token",service="r",scope="repository:a/b:pull,push",error="invalid_token"')
    seed("registry-fields", "several", 'Basic realm="a \\"b\\"", Digest nonce=x\nNegotiate\nBearer realm=https://x/y')
    seed("registry-fields", "links", '</v2/_catalog?last=b&n=2>; rel="next"\n<https://x/y>; rel="prev", <?n=1>; rel=next')
    seed("registry-fields", "addresses",
         "https://registry.example:5000/v2/\nhttp://[::1]:80/a?b#c\n//other/path\n../up\n/abs?q\nhttps://u@h/\nHTTPS://H:443")
    seed("registry-fields", "ranges", "bytes 0-9/10\nbytes 5-8/*\nbytes 9223372036854775807-9223372036854775807/*")
    seed("registry-fields", "errors", '{"errors":[{"code":"DENIED","message":"no\\u202e\\n","detail":{}}]}')
    seed("registry-fields", "base64", base64.b64encode(b"user:password") + b"\n" + base64.urlsafe_b64encode(b"\xff\xfe\xfb"))
    seed("registry-files", "docker", json.dumps({
        "auths": {"registry.example:5000": {"auth": base64.b64encode(b"user:pass\0\0").decode()},
                  "https://index.docker.io/v1/": {"username": "u", "password": "p", "identitytoken": ""},
                  "https://registry.example:5000/v2/": {"identitytoken": "t"}},
        "credHelpers": {"other.example": "none"}, "HttpHeaders": {"A": "b"}}))
    seed("registry-files", "store", '{"credsStore":"../../bin/sh"}')
    seed("registry-files", "settings", json.dumps({
        "registries": {"registry.example:5000": {"insecure": True},
                       "docker.io": {"mirrors": ["mirror.example", "http://127.0.0.1:5000"], "ca": "/etc/ca.pem"}}}))


def server_texts():
    digest = "sha256:" + "a" * 64
    seed("registry-server", "paths", "\n".join([
        "/v2/", "/v2/_catalog", "/v2/a/b/manifests/latest", f"/v2/a/manifests/{digest}", f"/v2/a__b/c/blobs/{digest}",
        "/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/0123-45", "/v2/a/tags/list", f"/v2/a/referrers/{digest}", "/token",
        "/v2/../../etc/passwd/tags/list", "/v2/a/../b/manifests/x", "/v2/blobs/blobs/uploads/uploads"]))
    seed("registry-server", "ranges", "bytes=0-9\nbytes=-5\nbytes=5-\nbytes=0-999999999999999999\nbytes=9-1\n0-99\n5-5\nbytes=0-1,3-4")
    seed("registry-server", "scopes", "repository:a/b:pull,push\nregistry:catalog:*\nrepository(plugin):x:*\nrepository:a:5000/b:delete")
    seed("registry-server", "users", "# users\nalice:$2y$05$abcdefghijklmnopqrstuuQbLfdQZSxZ9gjhA5V9o8Tyc6aQRO0Qi\r\n\nbob:{SHA}x\n")
    seed("registry-server", "token", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.AAAA\na.b.c\n..")


def messages():
    def name(text):
        return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"

    def query(question, kind=1, additional=b"", flags=0x0100):
        return struct.pack(">6H", 0x1234, flags, 1, 0, 0, 1 if additional else 0) + question + struct.pack(
            ">2H", kind, 1) + additional

    seed("dns-query", "a", query(name("db.backend")))
    seed("dns-query", "edns", query(name("WWW.Example.com"), 28, b"\0" + struct.pack(">HHIH", 41, 4096, 0, 0)))
    seed("dns-query", "ptr", query(name("4.3.2.10.in-addr.arpa"), 12))
    seed("dns-query", "pointer", query(b"\x01a\xc0\x0c"))
    seed("dns-query", "root", query(b"\0", 2))
    seed("dns-query", "status", query(name("a"), flags=0x1000))
    seed("dns-query", "longest", query(name(".".join(["x" * 62] * 4))))
    for number, message in enumerate([
        b"attach\0c1\0001\0n1\0n2", b"networks\0c1\0000", b"names\0c1\0n1\0000a2a0001\0db\0db.backend", b"unname\0c\0n",
        b"remove\0c", b"upstreams\0001.1.1.1\0::1", b"list\0", b"shutdown", b"ok\0a\0b", b"error\0reason",
    ]):
        seed("dns-message", f"message-{number}", message)


def programs():
    def number(value):
        return struct.pack("<I", value)

    def text(*values):
        return b"".join(number(len(value)) + value.encode() for value in values)

    def strings(*values):
        return number(len(values)) + text(*values)

    # Codes and fields are those of Sources/LaunchProgram/Operation+Encoding.swift.
    operations = [
        b"\x01" + strings("/sys/fs/cgroup/a/cgroup.procs"), b"\x02" + struct.pack("<Q", 0x20000),
        b"\x09" + text("proc") + number(2) + text("hidepid") + b"\x01" + text("2") + text("ro") + b"\0"
        + struct.pack("<Q", 14) + text("/proc") + b"\0",
        b"\x0b" + text("/dev/pts") + number(0o755), b"\x0e" + text("/etc/hosts") + text("127.0.0.1 a\n") + number(0o644),
        b"\x11" + text("/proc/kcore"), b"\x14", b"\x15" + text("box"), b"\x1d",
        b"\x20" + text("/bin/sh") + strings("sh", "-c", "true") + strings("PATH=/bin") + b"\0",
    ]
    program = number(0x01504C53) + number(len(operations)) + b"".join(operations)
    seed("launch", "program", program)
    seed("launch", "empty", number(0x01504C53) + number(0))
    seed("launch", "huge-count", number(0x01504C53) + number(0xffffffff) + operations[0])
    for operation in operations:
        seed("launch", f"operation-{operation[0]:02}", number(0x01504C53) + number(1) + operation)
    quad = struct.pack("<Q", 7)
    seed("launch", "execution", number(0x01505845) + quad + quad + strings("a") + b"\x01" + quad + b"\0\x01" + number(5) + program)
    seed("launch", "supervision", number(0x01505653) + text("/run/c") + quad + strings("a", "b") + b"\0" + text("/m") + b"\x02"
         + number(3) + number(15) + number(10) + text("log") + quad + number(2) + b"\x01\0" + program)
    for index, line in enumerate([
        "id=1 kill=9", "id=2 stop=15 timeout=-1", "id=3 restart=15 timeout=10", "id=4 policy=2 maximum=5", "id=5 policy=3",
        "id=6 input=1", "id=7 handle=1", "id=8 rows=24 columns=80", "ok=1 descriptor=1", "refused=2 errno=22", "process=77",
        "ended=137 signal=9 timeout=1 peak=123456", "failed=3 errno=2 detail=/bin/none",
        "state=running pid=5 supervisor=4 started=1700000000000000000 finished=0 exit=0 signal=0 oom=0 restarts=2 stopped=0",
        "state=failed pid=0 supervisor=4 started=0 finished=9 exit=127 signal=0 oom=0 restarts=0 stopped=0 operation=31 "
        "errno=2 detail=%2Fbin%20x",
    ]):
        seed("supervision", f"line-{index:02}", line)


shutil.rmtree(os.path.join(corpus, "tar-entries"), ignore_errors=True)
os.makedirs(os.path.join(corpus, "tar-entries"))
tars()
compressed()
recipes()
images()
texts()
messages()
programs()
server_texts()


# --- Dockerfiles, of those whose meaning is written down, and rules of .dockerignore ---------------------------------

golden = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "DockerfileTests", "Golden")
for name in sorted(os.listdir(golden)):
    if name.endswith(".Dockerfile") and not name.startswith("error-"):
        with open(os.path.join(golden, name), "rb") as file:
            seed("dockerfile", name.removesuffix(".Dockerfile"), file.read())
seed("dockerfile", "substitutions", "FROM scratch\nENV P=foobarfoo\n" + "".join(
    f"ENV a=${{{word}}}\n" for word in [
        "P", "P:-x", "P-x", "P:+x", "P+x", "P?x", "P#*o", "P##*o", "P%o*", "P%%o*", "P/foo/x", "P//o/\\\\/", "P:-${P:-y}"]))
for number, (rules, path) in enumerate([
        ("*.md\n!README.md\n", "README.md"), ("**/*.o", "a/b/c.o"), ("a/**\n!a/b/**", "a/b/c"), ("**/x", "x/y"),
        ("a*/?[a-c]\\*", "ab/xa*"), ("*\n!src/**/*.c\n!keep", "src/a/b.c"), ("a**b", "axx/b"), ("?", "\u00e4")]):
    seed("ignore-rules", str(number), rules.encode() + b"\0" + path.encode())


# --- What clients say their build contexts have -----------------------------------------------------------------------

def leb128(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def listing(files):
    out = b"SCTX1\n" + leb128(len(files))
    before = b""
    for kind, path, *more in files:
        path = path.encode()
        shared = len(os.path.commonprefix([before, path]))
        out += bytes([kind]) + leb128(shared) + leb128(len(path) - shared) + path[shared:] + leb128(0o755)
        out += struct.pack("<q", 1_700_000_000_000_000_000)
        if kind == 0:
            out += leb128(more[0]) + struct.pack("<q", -1) + leb128(1 << 40)
        elif kind == 2:
            out += leb128(len(more[0])) + more[0].encode()
        before = path
    return out


seed("context-listing", "empty", listing([]))
seed("context-listing", "tree", listing([
    (1, "a"), (1, "a/b"), (0, "a/b/c", 5), (2, "a/b/d", "../../x"), (0, "a-b", 0), (0, "long" * 60, 1 << 40)]))
seed("context-listing", "outside", listing([(0, "../x", 1)]))


# --- YAML, compose files, variables, .env -----------------------------------------------------------------------------

def compose_texts():
    for name, text in {
        "styles": "a: plain\nb: 'single ''x'' '\nc: \"double \\u00e9\\n\"\nd: |2-\n    x\n   y\ne: >+\n  a\n  b\n\n",
        "flow": "[a, {b: c, ? d : e}, [], {}, \"x\", *y]\n",
        "anchors": "a: &a {x: 1}\nb:\n  <<: [*a, *a]\n  y: &b [*a]\nc: *b\n",
        "tags": "a: !reset null\nb: !override [1]\nc: !!str 1\nd: !<tag:e,2000:f> x\n",
        "documents": "%YAML 1.1\n---\na: 1\n...\n---\n- b\n",
        "kinds": "[yes, ~, 0o17, 017, 0x1f, 1_0, .5, 1e3, .inf, 22:22, 2001-12-14, '', 0b1, +1, -0.0]\n",
        "bomb": "a: &a [1,1,1,1,1,1,1,1]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 8)}]\n" for n in range(6)),
        "unusual": "\u2028: \u0085\n\ta: b\n? - x\n: - y\n\"\\x07\": \U0001F600\n",
        "recursive": "&a [*a]\n",
    }.items():
        seed("yaml", name, text)
    seed("yaml", "utf-16", "\ufeffa: \u00fc\n".encode("utf-16-le"))
    for name, text in {
        "short": "services:\n  web:\n    image: a:$A\n    ports: ['8080:80', 80]\n    volumes: ['./a:/b:ro', c:/d]\n"
                 "    environment: [A=1, B]\n    depends_on: [db]\n  db: {build: ., command: sleep 1}\n",
        "long": "name: x\nservices:\n  web:\n    image: b\n    deploy: {replicas: '2', resources: {limits: {cpus: '0.5'}}}\n"
                "    ports: [{target: 80, published: 80-90}]\n    volumes: [{type: bind, source: ., target: /x}]\n"
                "    healthcheck: {test: [CMD, x], interval: 1m30s, retries: 3}\n    ulimits: {nofile: {soft: 1, hard: 2}}\n"
                "    tty: $YES\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/8}]}}}\nvolumes: {v: }\n",
        "merged": "x-a: &a\n  restart: always\n  labels: {a: b}\nservices:\n  a: {<<: *a, image: c}\n  b:\n    <<: *a\n"
                  "    ports: !reset []\n    dns: !override [1.1.1.1]\n---\nservices: {a: {scale: 2}}\n",
        "wrong": "version: '3'\nservices:\n  web:\n    imagee: a\n    ports: 5\n    restart: never\n    tty: 7\nvolume: {}\n",
        "variables": "services: {a: {image: '${A:?x}${NONE}', user: \"$$A ${EMPTY:-${B}}\"}}\n",
        "files": "secrets: {s: {file: a}}\nconfigs: {c: {content: \"${B}\"}}\nmodels: {m: {model: a}}\ninclude: [a, {path: [b]}]\n"
                 "services: {a: {secrets: [{source: s, mode: 0440}], env_file: [{path: a, required: false}], gpus: all}}\n",
    }.items():
        seed("compose", name, text)
    for number, text in enumerate([
            "$A ${B} ${A:-x} ${A-x} ${A:?e} ${A?e} ${A:+r} ${A+r}", "${NONE:-${EMPTY:-${A}}}", "$$A $ $1 5$", "${NONE:-{}}}",
            "${", "${A", "${A!}", "${NONE?${A} x}", "${LONG}$LONG", "${NONE:-$${}}"]):
        seed("interpolation", str(number), text)
    for name, text in {
        "plain": "A=1\nexport B = two # c\nC: x\nD\n# remark\nE=$A${NONE:-x}\n",
        "quotes": "A='a $B # \\'x\\''\nB=\"x\\n\\t\\\\ \\$A \\\"q\\\" \\0101\"\nC=\"two\nlines\" # c\n",
        "carriage": "\ufeffA=1\r\nB='x'\r\n\r\nC\r\n",
        "wrong": "A B=1\n=x\nC=\"open\nD='x'y\nE=${\n",
    }.items():
        seed("dotenv", name, text)


compose_texts()

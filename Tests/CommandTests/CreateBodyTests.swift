import Diagnostics
import Engine
import JSONText
import Linux
import Testing

@testable import stackctl

@Suite("the options of run and create")
struct CreateBodyTests {
    private func body(_ words: String, environment: [String: String] = [:]) throws -> CreateBody {
        try body(words.split(separator: " ").map(String.init), environment: environment)
    }

    private func body(_ words: [String], environment: [String: String] = [:]) throws -> CreateBody {
        let resolution = try ArgumentParser.parse(["run"] + words, root: CommandTree.root)
        return try CreateBody(resolution.arguments, environment: environment, workingDirectory: "/here")
    }

    private func host(_ words: String, _ key: String) throws -> JSONValue? { try body(words + " img").host[key] }

    private func config(_ words: String, _ key: String) throws -> JSONValue? { try body(words + " img").config[key] }

    private func endpoints(_ words: String) throws -> JSONValue? {
        try body(words + " img").json["NetworkingConfig"]?["EndpointsConfig"]
    }

    @Test("words after the image are the program's")
    func command() throws {
        let body = try body(["-it", "--name", "x", "img", "sh", "-c", "echo --rm"])
        #expect(body.config["Cmd"] == ["sh", "-c", "echo --rm"])
        #expect(body.config["Image"] == "img")
        #expect(body.config["Tty"] == true)
        #expect(body.config["AttachStdin"] == true)
        #expect(body.config["StdinOnce"] == true)
        #expect(try self.body("img").config["AttachStdin"] == false)
        #expect(try config("-a stdout", "AttachStderr") == false)
        #expect(try self.body(["--entrypoint=", "img"]).config["Entrypoint"] == [""])
        #expect(try config("-h box", "Hostname") == "box")
    }

    @Test("variables are set, taken over from here, or taken away")
    func variables() throws {
        let body = try body(
            ["-e", "A=1", "-e", "B", "-e", "C", "-e", "D=", "img"], environment: ["B": "from here"])
        #expect(body.config["Env"] == ["A=1", "B=from here", "C", "D="])
    }

    @Test("a file of variables is no shell script")
    func variableFile() throws {
        let text = "# comment\n  A=1 # no comment\nB=\"quoted\"\n\nC\nD\r\nE=$A\n"
        let lines = try KeyValueFile.parse(Array(text.utf8)) { $0 == "C" ? "found" : nil }
        #expect(lines == ["A=1 # no comment", "B=\"quoted\"", "C=found", "E=$A"])
        #expect(throws: Reason.self) { try KeyValueFile.parse(Array("a b=1".utf8), lookUp: nil) }
        #expect(throws: Reason.self) { try KeyValueFile.parse(Array("=1".utf8), lookUp: nil) }
    }

    @Test(
        "ports are published as Docker reads them",
        arguments: [
            ("80", "80/tcp=:"), ("8080:80", "80/tcp=:8080"), ("127.0.0.1:8080:80/udp", "80/udp=127.0.0.1:8080"),
            ("[::1]:8080:80", "80/tcp=::1:8080"), ("8000-8001:80-81", "80/tcp=:8000 81/tcp=:8001"),
            ("8000-8010:80", "80/tcp=:8000-8010"), ("127.0.0.1::80", "80/tcp=127.0.0.1:"),
            ("published=8080,target=80,protocol=udp", "80/udp=:8080"), ("::1:8080:80", "80/tcp=::1:8080"),
        ])
    func ports(text: String, expected: String) throws {
        let found = try PublishedPort.parse(text).map { "\($0.port)=\($0.hostIP):\($0.hostPort)" }
        #expect(found.joined(separator: " ") == expected)
    }

    @Test("a port of two bindings has both, and every published one is exposed")
    func portBindings() throws {
        let body = try body("-p 8080:80 -p 127.0.0.1:9090:80 --expose 90-91/udp img")
        #expect(
            body.host["PortBindings"] == [
                "80/tcp": [
                    ["HostIp": "", "HostPort": "8080"], ["HostIp": "127.0.0.1", "HostPort": "9090"],
                ]
            ])
        #expect(body.config["ExposedPorts"] == ["80/tcp": [:], "90/udp": [:], "91/udp": [:]])
    }

    @Test("volumes are anonymous, named, of a path, or of a relative path")
    func volumes() throws {
        let body = try body("-v /data -v data:/d:ro -v /a:/b -v ./rel:/c:rw,z -v ..:/up img")
        #expect(body.config["Volumes"] == ["/data": [:]])
        #expect(body.host["Binds"] == ["data:/d:ro", "/a:/b", "/here/rel:/c:rw,z", "/:/up"])
        #expect(try host("--tmpfs /t:size=1m,mode=700 --tmpfs /u", "Tmpfs") == ["/t": "size=1m,mode=700", "/u": ""])
    }

    @Test("mounts by words become the API's objects")
    func mounts() throws {
        let words =
            "--mount type=bind,src=./x,dst=/y,readonly,bind-propagation=rslave "
            + "--mount source=v,target=/v,volume-nocopy,volume-label=a=b,volume-opt=type=tmpfs "
            + "--mount type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=1770 "
            + "--mount type=image,source=img,target=/i,image-subpath=etc"
        #expect(
            try host(words, "Mounts") == [
                [
                    "Type": "bind", "Source": "/here/x", "Target": "/y", "ReadOnly": true,
                    "BindOptions": ["Propagation": "rslave"],
                ],
                [
                    "Type": "volume", "Source": "v", "Target": "/v",
                    "VolumeOptions": [
                        "NoCopy": true, "Labels": ["a": "b"], "DriverConfig": ["Options": ["type": "tmpfs"]],
                    ],
                ],
                ["Type": "tmpfs", "Target": "/t", "TmpfsOptions": ["SizeBytes": 1_048_576, "Mode": 1016]],
                ["Type": "image", "Source": "img", "Target": "/i", "ImageOptions": ["Subpath": "etc"]],
            ])
    }

    @Test("networks are named shortly, or by words with their settings")
    func networks() throws {
        #expect(try host("--net host", "NetworkMode") == "host")
        #expect(try endpoints("--network host") == [:])
        #expect(
            try endpoints("--network shop --network-alias web --ip 10.0.0.5") == [
                "shop": ["Aliases": ["web"], "IPAMConfig": ["IPv4Address": "10.0.0.5"]]
            ])
        #expect(
            try endpoints("--network name=shop,alias=a,alias=b,driver-opt=k=v,gw-priority=3 --network other") == [
                "shop": ["GwPriority": 3, "Aliases": ["a", "b"], "DriverOpts": ["k": "v"]], "other": [:],
            ])
        #expect(try endpoints("--mac-address 02-42-AC-11-00-02") == ["default": ["MacAddress": "02:42:ac:11:00:02"]])
        #expect(
            try host("--add-host a:1.2.3.4 --add-host b=[::1] --add-host c:host-gateway", "ExtraHosts")
                == ["a:1.2.3.4", "b:::1", "c:host-gateway"])
    }

    @Test("limits are numbers of bytes, billionths and counts")
    func limits() throws {
        #expect(try host("-m 512m", "Memory") == 536_870_912)
        #expect(try host("-m 1.5g", "Memory") == 1_610_612_736)
        #expect(try host("--memory-swap -1", "MemorySwap") == -1)
        #expect(try host("--cpus 1.5", "NanoCpus") == 1_500_000_000)
        #expect(try host("-c 512", "CpuShares") == 512)
        #expect(try host("--pids-limit -1", "PidsLimit") == -1)
        #expect(
            try host("--ulimit nofile=1024:2048 --ulimit core=-1 --ulimit nofile=10", "Ulimits") == [
                ["Name": "core", "Soft": -1, "Hard": -1], ["Name": "nofile", "Soft": 10, "Hard": 10],
            ])
        #expect(
            try host("--device-read-bps /dev/sda:1mb", "BlkioDeviceReadBps")
                == [["Path": "/dev/sda", "Rate": 1_048_576]])
    }

    @Test("rights, devices and namespaces")
    func rights() throws {
        #expect(
            try host("--device /dev/fuse --device /dev/a:/dev/b:r --device /dev/c:rw", "Devices") == [
                ["PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"],
                ["PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "r"],
                ["PathOnHost": "/dev/c", "PathInContainer": "/dev/c", "CgroupPermissions": "rw"],
            ])
        #expect(
            try host("--device nvidia.com/gpu=0", "DeviceRequests")
                == [["Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=0"]]])
        #expect(
            try host("--gpus all", "DeviceRequests")
                == [["Options": [:], "Capabilities": [["gpu"]], "Count": -1]])
        #expect(try host("--security-opt systempaths=unconfined", "MaskedPaths") == [])
        #expect(try host("--security-opt no-new-privileges", "SecurityOpt") == ["no-new-privileges"])
        #expect(try host("--sysctl net.ipv4.ip_forward=1", "Sysctls") == ["net.ipv4.ip_forward": "1"])
        #expect(try host("--init=false", "Init") == false)
        #expect(try host("--restart on-failure:3", "RestartPolicy") == ["Name": "on-failure", "MaximumRetryCount": 3])
    }

    @Test("health checks and logs")
    func health() throws {
        #expect(
            try config("--health-cmd true --health-interval 1m30s --health-retries 2", "Healthcheck")
                == ["Test": ["CMD-SHELL", "true"], "Interval": 90_000_000_000, "Retries": 2])
        #expect(try config("--no-healthcheck", "Healthcheck") == ["Test": ["NONE"]])
        #expect(
            try host("--log-driver json-file --log-opt max-size=10m", "LogConfig")
                == ["Type": "json-file", "Config": ["max-size": "10m"]])
    }

    @Test(
        "what is wrong is said in Docker's sentence",
        arguments: [
            ("-m abc", "invalid argument \"abc\" for \"-m, --memory\" flag: invalid size: 'abc'"),
            ("-p 80:70000", "invalid containerPort: 70000"), ("-p 70000:80", "invalid hostPort: 70000"),
            ("-p 1-2:80-90", "invalid ranges specified for container and host Ports: 80-90 and 1-2"),
            ("-p 80/foo", "invalid proto: foo"), ("-p 300.0.0.1:80:80", "invalid IP address: 300.0.0.1"),
            ("-v a:b:c:d", "invalid spec: a:b:c:d: too many colons"),
            ("-v :/x", "invalid spec: :/x: empty section between colons"),
            (
                "--mount type=bind,foo=bar",
                "invalid argument \"type=bind,foo=bar\" for \"--mount\" flag: unknown option 'foo' in 'foo=bar'"
            ),
            (
                "--mount type=tmpfs,volume-nocopy",
                "invalid argument \"type=tmpfs,volume-nocopy\" for \"--mount\" flag: "
                    + "cannot mix 'volume-*' options with mount type 'tmpfs'"
            ),
            ("--rm --restart always", "conflicting options: cannot specify both --restart and --rm"),
            (
                "--restart on-failure:x",
                "invalid restart policy format: maximum retry count must be an integer"
            ),
            ("--pid foo", "--pid: invalid PID mode"), ("--cgroupns foo", "--cgroupns: invalid CGROUP mode"),
            ("--no-healthcheck --health-cmd x", "--no-healthcheck conflicts with --health-* options"),
            (
                "--health-interval 5",
                "invalid argument \"5\" for \"--health-interval\" flag: time: missing unit in duration \"5\""
            ),
            ("--add-host foo", "invalid argument \"foo\" for \"--add-host\" flag: bad format for add-host: \"foo\""),
            ("--dns foo", "invalid argument \"foo\" for \"--dns\" flag: IP address is not correctly formatted: foo"),
            (
                "-a foo",
                "invalid argument \"foo\" for \"-a, --attach\" flag: valid streams are STDIN, STDOUT and STDERR"
            ),
            (
                "--network host --network-alias a",
                "network-scoped aliases are only supported for user-defined networks"
            ),
            ("--network a --network a", "network \"a\" is specified multiple times"),
            (
                "--network name=a,ip=1.2.3.4 --ip 1.2.3.5",
                "conflicting options: cannot specify both --ip and per-network IPv4 address"
            ),
            ("--mac-address zz", "zz is not a valid mac address"),
            ("--security-opt foo", "invalid --security-opt: \"foo\""),
            ("--ulimit foo=1", "invalid argument \"foo=1\" for \"--ulimit\" flag: invalid ulimit type: foo"),
            ("--env-file /no/file", "--env-file: open /no/file: no such file or directory"),
            ("--log-driver none --log-opt a=b", "invalid logging opts for driver none"),
            (
                "--stop-timeout x",
                "invalid argument \"x\" for \"--stop-timeout\" flag: strconv.ParseInt: parsing \"x\": invalid syntax"
            ),
        ])
    func mistakes(words: String, sentence: String) throws {
        let diagnostic = try #require(throws: Diagnostic.self) { try body(words + " img") }
        #expect(diagnostic.summary == sentence)
    }
}

@Suite("detaching")
struct DetachTests {
    @Test("keys are letters and control characters")
    func keys() throws {
        #expect(try DetachKeys("ctrl-p,ctrl-q") == .standard)
        #expect(try DetachKeys("a,ctrl-@,ctrl-[").bytes == [97, 0, 27])
        for text in ["ctrl", "ctrl-1", "ab", ""] { #expect(throws: Diagnostic.self) { try DetachKeys(text) } }
    }

    @Test("what only begins like the keys is passed on")
    func detector() {
        var detector = DetachDetector(keys: [16, 17])
        #expect(detector.take([1, 16]).passed == [1])
        #expect(detector.take([2]).passed == [16, 2])
        #expect(detector.take([16, 16]).passed == [16])
        let last = detector.take([17, 9])
        #expect(last.passed.isEmpty)
        #expect(last.isComplete)
    }
}

@Suite("where copies go")
struct CopyPlanTests {
    private func plan(_ source: CopySide, _ destination: CopySide) throws -> String {
        let plan = try CopyPlan(from: source, to: destination)
        return "\(plan.folder) \(plan.name ?? "-")"
    }

    @Test("as with docker cp")
    func rules() throws {
        let file = CopySide(path: "/s/f")
        let folder = CopySide(path: "/s/d", isDirectory: true)
        let contents = CopySide(path: "/s/d/.", isDirectory: true)
        let there = CopySide(path: "/t/x", isDirectory: true)
        let taken = CopySide(path: "/t/x")
        let new = CopySide(path: "/t/x", exists: false)
        let newFolder = CopySide(path: "/t/x/", exists: false)
        #expect(try plan(file, there) == "/t/x f")
        #expect(try plan(file, taken) == "/t x")
        #expect(try plan(file, new) == "/t x")
        #expect(try plan(folder, there) == "/t/x d")
        #expect(try plan(folder, new) == "/t x")
        #expect(try plan(folder, newFolder) == "/t x")
        #expect(try plan(contents, there) == "/t/x -")
        #expect(try plan(contents, new) == "/t x")
        #expect(throws: Diagnostic.self) { try plan(folder, taken) }
        #expect(throws: Diagnostic.self) { try plan(file, newFolder) }
    }

    @Test("a name with a colon is a container's path, unless it is a path of its own")
    func words() {
        #expect(CopyCommand.split("box:/etc").container == "box")
        #expect(CopyCommand.split("./box:/etc").container == nil)
        #expect(CopyCommand.split("/a:b").container == nil)
        #expect(CopyCommand.split("file").container == nil)
    }
}

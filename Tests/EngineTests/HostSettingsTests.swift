import Engine
import JSONText
import Linux
import Runtime
import Testing

@Suite("What a container shares with the host and gets of it")
struct HostSettingsTests {
    private func read(_ host: String) throws -> ContainerSpecification {
        try ContainerSpecification(json: try JSONValue.parse(#"{"Image":"i","HostConfig":\#(host)}"#))
    }

    @Test("every member is written as it was read, and read again from what is stored")
    func roundTrip() throws {
        let host = """
            {"Annotations":{"a":"b"},"BlkioWeight":300,"BlkioWeightDevice":[{"Path":"/dev/sda","Weight":200}],
             "BlkioDeviceReadBps":[{"Path":"/dev/sda","Rate":1048576}],"BlkioDeviceWriteBps":[{"Path":"/dev/sdb","Rate":9}],
             "BlkioDeviceReadIOps":[{"Path":"/dev/sda","Rate":10}],"BlkioDeviceWriteIOps":[{"Path":"/dev/sda","Rate":11}],
             "CapAdd":["CAP_NET_ADMIN","sys_time"],"CapDrop":["ALL"],"CgroupParent":"/teams/a","CgroupnsMode":"host",
             "ConsoleSize":[40,120],"ContainerIDFile":"/tmp/id","CpuPeriod":50000,"CpuQuota":25000,
             "CpuRealtimePeriod":1000000,"CpuRealtimeRuntime":950000,"CpuShares":512,"CpusetCpus":"0","CpusetMems":"0",
             "DeviceCgroupRules":["c 1:3 rwm","a *:* r"],
             "DeviceRequests":[{"Driver":"","Count":-1,"DeviceIDs":null,"Capabilities":[["gpu"]],"Options":{}}],
             "Devices":[{"PathOnHost":"/dev/fuse","PathInContainer":"/dev/x","CgroupPermissions":"rm"}],
             "GroupAdd":["video","1234"],"IpcMode":"shareable","Isolation":"default",
             "LogConfig":{"Type":"local","Config":{"max-size":"1m","tag":"t"}},"MaskedPaths":[],"Memory":67108864,
             "MemoryReservation":33554432,"MemorySwap":-1,"MemorySwappiness":10,"OomKillDisable":true,"OomScoreAdj":-100,
             "PidMode":"host","PidsLimit":9,"ReadonlyPaths":["/proc/x"],"Runtime":"runc",
             "SecurityOpt":["no-new-privileges","label=type:x","writable-cgroups=true"],
             "Sysctls":{"net.core.somaxconn":"9"},"UTSMode":"host",
             "Ulimits":[{"Name":"nofile","Soft":10,"Hard":-1}],"UsernsMode":"host"}
            """
        let asked = try JSONValue.parse(host).objectValue ?? JSONObject()
        let specification = try read(host)
        let written = specification.host
        for (name, value) in asked { #expect(written[name] == value, "\(name)") }
        #expect(try ContainerSpecification(stored: specification.json) == specification)
        #expect(specification.hostSettings.ulimits.first?.resourceLimit?.hard == UInt64.max)
    }

    @Test("a client's defaults come back as Docker shows them")
    func defaults() throws {
        let written = try read("{}").host
        #expect(written["MaskedPaths"] == .null)
        #expect(written["Devices"] == [])
        #expect(written["Ulimits"] == [])
        #expect(written["PidsLimit"] == .null)
        #expect(written["MemorySwappiness"] == .null)
        #expect(written["OomKillDisable"] == false)
        #expect(written["ShmSize"] == 67_108_864)
        #expect(written["ConsoleSize"] == [0, 0])
        #expect(written["DeviceRequests"] == .null)
        #expect(written["LogConfig"]?["Type"] == "json-file")
    }

    @Test(
        "what cannot be is refused in Docker's words",
        arguments: [
            (#"{"PidMode":"container:"}"#, "invalid PID mode: container:"),
            (#"{"IpcMode":"x"}"#, "invalid IPC mode: x"),
            (#"{"UTSMode":"private"}"#, "invalid UTS mode: private"),
            (#"{"UsernsMode":"x"}"#, "invalid userns mode: x"),
            (#"{"CgroupnsMode":"x"}"#, "invalid cgroup namespace mode: x"),
            (#"{"Runtime":"kata"}"#, "unknown or invalid runtime name: kata"),
            (#"{"Isolation":"hyperv"}"#, "invalid isolation (hyperv)"),
            (#"{"OomScoreAdj":2000}"#, "Invalid value 2000, range for oom score adj is [-1000, 1000]"),
            (#"{"Ulimits":[{"Name":"files","Soft":1,"Hard":1}]}"#, "invalid ulimit type: files"),
            (#"{"Ulimits":[{"Name":"nofile","Soft":2,"Hard":1}]}"#, "soft limit must be less than or equal to hard"),
            (#"{"CapAdd":["CHOWN","FLY"]}"#, #"invalid CapAdd: unknown capability: "CAP_FLY""#),
            (#"{"CapDrop":["cap_fly"]}"#, #"invalid CapDrop: unknown capability: "CAP_FLY""#),
            (#"{"SecurityOpt":["foo"]}"#, #"invalid --security-opt 1: "foo""#),
            (#"{"SecurityOpt":["foo=bar"]}"#, #"invalid --security-opt 2: "foo=bar""#),
            (#"{"SecurityOpt":["seccomp={"]}"#, "Decoding seccomp profile failed"),
            (#"{"Sysctls":{"vm.swappiness":"1"}}"#, #"sysctl "vm.swappiness" is not in a separate kernel namespace"#),
            (#"{"NetworkMode":"host","Sysctls":{"net.core.somaxconn":"1"}}"#, "not allowed in the hosts network"),
            (#"{"IpcMode":"host","Sysctls":{"kernel.msgmax":"1"}}"#, "not allowed in the hosts ipc"),
            (#"{"DeviceCgroupRules":["c 1:3 x"]}"#, "invalid device cgroup rule format: 'c 1:3 x'"),
            (#"{"LogConfig":{"Type":"syslog"}}"#, "logger: no log driver named 'syslog' is registered"),
            (
                #"{"LogConfig":{"Type":"json-file","Config":{"color":"x"}}}"#,
                "unknown log opt 'color' for json-file log driver"
            ),
            (#"{"NanoCpus":1000000000,"CpuQuota":5000}"#, "Nano CPUs and CPU Quota cannot both be set"),
            (#"{"CpuPeriod":10}"#, "CPU cfs period can not be less than 1ms"),
            (#"{"MemorySwappiness":101}"#, "valid memory swappiness range is 0-100"),
            (#"{"Memory":8388608,"MemoryReservation":16777216}"#, "can not be less than memory reservation"),
            (#"{"BlkioWeight":5}"#, "Range of blkio weight is from 10 to 1000"),
            (#"{"Annotations":{"":"x"}}"#, "empty string is not permitted as an annotation key"),
        ])
    func refused(_ host: String, _ text: String) throws {
        let error = #expect(throws: EngineError.self) { try read(host) }
        #expect(error?.kind == .invalid)
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }

    @Test("what the kernel cannot limit is left out, and said")
    func discarded() throws {
        var support = CgroupSupport()
        support.swappiness = false
        support.outOfMemoryControl = false
        support.blockWeight = false
        support.cpuCount = 2
        support.cpus = "0-1"
        var specification = try read(
            #"{"MemorySwappiness":5,"OomKillDisable":true,"BlkioWeight":10,"NanoCpus":3000000000,"CpusetCpus":"0-2"}"#)
        let warnings = specification.discardUnsupported(support)
        #expect(warnings.count == 3)
        #expect(
            warnings.contains(
                "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded."))
        #expect(specification.limits.memorySwappiness == nil && specification.limits.blockIO.weight == nil)
        let error = #expect(throws: EngineError.self) { try specification.checkHost(support) }
        #expect(error?.message == "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available")
        specification.limits.nanoCPUs = nil
        let other = #expect(throws: EngineError.self) { try specification.checkHost(support) }
        #expect(other?.message == "Requested CPUs are not available - requested 0-2, available: 0-1")
    }

    @Test("an update keeps what it does not name, and conflicts as Docker's does")
    func updates() throws {
        let base = try read(#"{"Memory":67108864,"CpuQuota":25000,"CpuPeriod":50000,"CpusetCpus":"0"}"#).limits
        let body = try FieldReader(try JSONValue.parse(#"{"Memory":0,"CpuShares":77,"CpusetCpus":"1","PidsLimit":5}"#))
        let changed = try CgroupLimits(body, over: base)
        #expect(changed.memoryBytes == 64 << 20 && changed.cpuQuota == 25_000 && changed.cpuShares == 77)
        #expect(changed.cpuSet == "1" && changed.pids == 5)
        let nano = try FieldReader(try JSONValue.parse(#"{"NanoCpus":500000000}"#))
        let error = #expect(throws: EngineError.self) { try CgroupLimits.checkUpdate(nano, of: base) }
        #expect(
            error?.message
                == "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set")
    }

    @Test("details of a log are what its options ask for, sorted and escaped")
    func logDetails() throws {
        var specification = ContainerSpecification()
        specification.image = "img:1"
        specification.labels = ["team": "a b", "other": "x"]
        specification.env = ["LEVEL=hi/lo"]
        specification.logOptions = ["labels": "team,none", "env": "LEVEL", "tag": "{{.Name}}/{{ .ID }}"]
        let text = LogDetails.text(
            specification, id: String(repeating: "ab", count: 32), name: "web", imageID: "sha256:00")
        #expect(text == "LEVEL=hi%2Flo,tag=web%2Fabababababab,team=a+b")
    }

    @Test("regular expressions choose labels and variables for a log")
    func logExpressions() {
        var specification = ContainerSpecification()
        specification.labels = ["app.name": "a", "app.tier": "b", "other": "x"]
        specification.env = ["LOG_A=1", "B=2"]
        specification.logOptions = ["labels-regex": "^app\\.", "env-regex": "^LOG_"]
        let text = LogDetails.text(specification, id: "", name: "", imageID: "")
        #expect(text == "LOG_A=1,app.name=a,app.tier=b")
    }

    @Test("the lines of ps that belong to the container are picked, the last column whole")
    func processTable() throws {
        let output = "UID   PID  CMD\nroot  7  sleep 1 2\nroot  8  other\nuser  - thread of other\n1  9 x y\n"
        let table = try ProcessTable(output: output, members: [7, 9])
        #expect(table.titles == ["UID", "PID", "CMD"])
        #expect(table.rows == [["root", "7", "sleep 1 2"], ["1", "9", "x y"]])
        let error = #expect(throws: EngineError.self) { try ProcessTable(output: "A B\n1 2\n", members: [1]) }
        #expect(error?.message == "Couldn't find PID field in ps output")
    }
}

@Suite("Seccomp profiles")
struct SeccompProfileTests {
    @Test("rules hold for the capabilities, architectures and kernels they name")
    func conditions() throws {
        let profile = """
            {"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"syscalls":[
              {"names":["read","write"],"action":"SCMP_ACT_ALLOW"},
              {"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
              {"names":["bpf"],"action":"SCMP_ACT_ERRNO","errnoRet":1,"excludes":{"caps":["CAP_BPF"]}},
              {"names":["ptrace"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}},
              {"names":["stat"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["s390x"]}},
              {"name":"socket","action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":40,"op":"SCMP_CMP_NE"}]}]}
            """
        let plain = try SeccompProfileReader.rules(
            profile, for: SeccompProfileReader.Subject(capabilities: [.sysAdmin], release: "4.7.1"))
        #expect(plain.standard == .fail(errno: 38))
        #expect(plain.rules.flatMap(\.names) == ["read", "write", "mount", "bpf", "socket"])
        let other = try SeccompProfileReader.rules(
            profile, for: SeccompProfileReader.Subject(capabilities: [.bpf], release: "6.1.0-amd64"))
        #expect(other.rules.flatMap(\.names) == ["read", "write", "ptrace", "socket"])
        #expect(other.rules.last?.conditions == [.init(argument: 0, .notEqual, value: 40)])
        // Two instructions and an answer for each call, and the conditions of one.
        #expect(try SeccompFilter.custom(other).count % 8 == 0)
    }

    @Test(
        "what is no profile is refused",
        arguments: [
            #"{"defaultAction":"SCMP_ACT_MAYBE"}"#, #"{}"#, #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":5}"#,
            #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"name":"b","action":"SCMP_ACT_ALLOW"}]}"#,
            #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_LOG","args":[{"op":"x"}]}]}"#,
        ])
    func refused(_ text: String) {
        #expect(throws: EngineError.self) {
            try SeccompProfileReader.rules(text, for: SeccompProfileReader.Subject())
        }
    }
}

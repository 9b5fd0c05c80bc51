import Diagnostics
import JSONText
import Linux

extension CreateBody {
    /// Capabilities, security options and namespaces.
    mutating func addRights() throws(Diagnostic) {
        setHost("Privileged", flag(CreateOptions.privileged))
        setHost("CapAdd", texts(CreateOptions.capabilityAdd))
        setHost("CapDrop", texts(CreateOptions.capabilityDrop))
        try addSecurity()
        let pid = arguments.value(of: CreateOptions.pid)
        if let pid, !pid.isEmpty, pid != "host", !CreateBody.namesContainer(pid) {
            throw FlagProblem.sentence("--pid: invalid PID mode", hint: "it is host or container:NAME")
        }
        setHost("PidMode", text(CreateOptions.pid))
        setHost("IpcMode", text(CreateOptions.ipc))
        let plain = [
            (CreateOptions.uts, "UTSMode", ["", "host"], "--uts: invalid UTS mode"),
            (CreateOptions.userNamespace, "UsernsMode", ["", "host"], "--userns: invalid USER mode"),
            (
                CreateOptions.cgroupNamespace, "CgroupnsMode", ["", "host", "private"],
                "--cgroupns: invalid CGROUP mode"
            ),
        ]
        for (option, key, allowed, sentence) in plain {
            guard let value = arguments.value(of: option) else { continue }
            guard allowed.contains(value) else {
                let words = allowed.filter { !$0.isEmpty }.joined(separator: " or ")
                throw FlagProblem.sentence(sentence, hint: "it is \(words)")
            }
            setHost(key, .string(value))
        }
        let parameters = try arguments.values(of: CreateOptions.sysctl) { text throws(Reason) in
            let known = [
                "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
                "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced", "kernel.hostname", "kernel.domainname",
            ]
            let (name, value) = CommaSeparated.cut(text)
            guard value != nil else { throw Reason("sysctl '\(text)' is not allowed", hint: "write NAME=VALUE") }
            guard known.contains(name) || name.hasPrefix("net.") || name.hasPrefix("fs.mqueue.") else {
                throw Reason(
                    "sysctl '\(text)' is not allowed",
                    hint: "only those of namespaces are: net.*, fs.mqueue.*, kernel.shm*")
            }
            return text
        }
        setHost("Sysctls", CreateBody.object(parameters))
    }

    private static func namesContainer(_ mode: String) -> Bool {
        mode.hasPrefix("container:") && mode.count > "container:".count
    }

    private mutating func addSecurity() throws(Diagnostic) {
        var options: [String] = []
        for text in arguments.values(of: CreateOptions.security) {
            if text == "systempaths=unconfined" {
                setHost("MaskedPaths", [])
                setHost("ReadonlyPaths", [])
                continue
            }
            let separator: Character = text.contains("=") ? "=" : ":"
            let (key, value) = CommaSeparated.cut(text, at: separator)
            guard key == "no-new-privileges" || value?.isEmpty == false else {
                throw FlagProblem.sentence(
                    "invalid --security-opt: \(FlagProblem.quoted(text))",
                    hint: "write no-new-privileges, seccomp=FILE, apparmor=PROFILE or label=…")
            }
            guard key == "seccomp", let value, !["builtin", "unconfined"].contains(value) else {
                options.append(text)
                continue
            }
            options.append("seccomp=" + (try CreateBody.seccompProfile(value)))
        }
        if !options.isEmpty { setHost("SecurityOpt", .array(options.map { .string($0) })) }
    }

    /// The daemon may be on another host: it gets the profile itself.
    private static func seccompProfile(_ path: String) throws(Diagnostic) -> String {
        let text: String
        do throws(SystemError) {
            text = try Files.readText(path, limit: 4 << 20)
        } catch {
            let why = error.errno == .ENOENT ? "open \(path): no such file or directory" : "\(error)"
            throw FlagProblem.sentence("opening seccomp profile (\(path)) failed: \(why)")
        }
        do throws(JSONParseError) {
            return try JSONValue.parse(text).serialized(.compact)
        } catch {
            throw FlagProblem.sentence("compacting json for seccomp profile (\(path)) failed: \(error)")
        }
    }
}

extension CreateBody {
    /// Devices of the host, by path, by the names of CDI, and GPUs.
    mutating func addDevices() throws(Diagnostic) {
        var devices: [JSONValue] = []
        var requests: [JSONValue] = try arguments.values(of: CreateOptions.gpus, read: CreateBody.gpuRequest)
        var named: [JSONValue] = []
        for text in arguments.values(of: CreateOptions.device) {
            if CreateBody.isQualified(text) {
                named.append(.string(text))
            } else {
                devices.append(try CreateBody.device(text))
            }
        }
        if !named.isEmpty { requests.append(["Driver": "cdi", "DeviceIDs": .array(named)]) }
        if !devices.isEmpty { setHost("Devices", .array(devices)) }
        if !requests.isEmpty { setHost("DeviceRequests", .array(requests)) }
        let rules = try arguments.values(of: CreateOptions.deviceRule) { text throws(Reason) in
            guard CreateBody.isDeviceRule(text) else { throw Reason("invalid device cgroup format '\(text)'") }
            return text
        }
        if !rules.isEmpty { setHost("DeviceCgroupRules", .array(rules.map { .string($0) })) }
    }

    /// `vendor.com/class=name`.
    private static func isQualified(_ text: String) -> Bool {
        guard !text.hasPrefix("/"), let equals = text.firstIndex(of: "=") else { return false }
        let kind = text[..<equals]
        return kind.split(separator: "/", omittingEmptySubsequences: false).count == 2 && !kind.hasSuffix("/")
    }

    private static func isMode(_ text: String) -> Bool {
        !text.isEmpty && Set(text).count == text.count && text.allSatisfy { "rwm".contains($0) }
    }

    /// `/dev/x[:/dev/y][:rwm]`.
    static func device(_ text: String) throws(Diagnostic) -> JSONValue {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3, let source = parts.first, !source.isEmpty else {
            throw FlagProblem.sentence(
                "bad format for path: \(text)", hint: "write --device /dev/fuse[:/dev/fuse][:rwm]")
        }
        var inside = source
        var mode = "rwm"
        if parts.count == 3 {
            inside = parts[1]
            mode = parts[2]
            guard isMode(mode) else { throw FlagProblem.sentence("bad mode specified: \(mode)") }
        } else if parts.count == 2 {
            if isMode(parts[1]) { mode = parts[1] } else { inside = parts[1] }
        }
        guard inside.hasPrefix("/") else { throw FlagProblem.sentence("\(inside) is not an absolute path") }
        return [
            "PathOnHost": .string(source), "PathInContainer": .string(LocalPath.clean(inside)),
            "CgroupPermissions": .string(mode),
        ]
    }

    /// `c 42:* rmw`.
    private static func isDeviceRule(_ text: String) -> Bool {
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 3, ["a", "b", "c"].contains(words[0]) else { return false }
        let numbers = words[1].split(separator: ":", omittingEmptySubsequences: false)
        let areNumbers = numbers.allSatisfy { $0 == "*" || !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }
        return numbers.count == 2 && areNumbers && (1...3).contains(words[2].count)
            && words[2].allSatisfy { "rwm".contains($0) }
    }

    /// `all`, `2`, `device=0,driver=nvidia`, `"capabilities=compute,utility"`.
    private static func gpuRequest(_ text: String) throws(Reason) -> JSONValue {
        var request: JSONObject = ["Options": [:], "Capabilities": [["gpu"]]]
        var seen: Set<String> = []
        func count(_ text: String) throws(Reason) -> JSONValue {
            if text == "all" { return -1 }
            guard let number = Int64(text) else {
                throw Reason("invalid count (\(text)): value must be either \"all\" or an integer: invalid syntax")
            }
            return .int(number)
        }
        func list(_ text: String) -> [JSONValue] {
            text.split(separator: ",", omittingEmptySubsequences: false).map { .string(String($0)) }
        }
        for field in try CommaSeparated.fields(text) {
            let (key, value) = CommaSeparated.cut(field)
            guard seen.insert(key).inserted else { throw Reason("gpu request key '\(key)' can be specified only once") }
            guard let value else {
                seen.insert("count")
                request["Count"] = try count(key)
                continue
            }
            switch key {
            case "driver": request["Driver"] = .string(value)
            case "count": request["Count"] = try count(value)
            case "device": request["DeviceIDs"] = .array(list(value))
            case "capabilities": request["Capabilities"] = [.array(list(value) + ["gpu"])]
            case "options": request["Options"] = CreateBody.object(try CommaSeparated.fields(value)) ?? [:]
            default: throw Reason("unexpected key '\(key)' in '\(field)'")
            }
        }
        if !seen.contains("count"), request["DeviceIDs"] == nil { request["Count"] = 1 }
        return .object(request)
    }
}

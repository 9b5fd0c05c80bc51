import JSONText
import Linux
import Testing

@Suite("A stack that uses every setting there is", .serialized, .timeLimit(.minutes(30)))
struct RoundTripTests {
    @Test("applied once there is nothing to change and no drift, also to a daemon that has come back")
    func settled() async throws {
        let lab = try await Self.lab()
        try await lab.stackctl("apply", "all", "--yes")
        try await expectSettled(lab)
        try await lab.endDaemon()
        try await expectSettled(lab)
        try await Self.end(lab)
    }

    @Test("the process has what the manifest says")
    func effects() async throws {
        let lab = try await Self.lab()
        try await lab.stackctl("apply", "all", "--yes")
        func say(_ container: String, _ script: String) async throws -> String {
            let answer = try await lab.stackctl("exec", container, "/bin/sh", "-c", script)
            return answer.out.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
        let busybox = "/bin/busybox"
        #expect(
            try await say("all-web", "echo $PLAIN $REFERENCE $FROM_IMAGE $SUBNET") == "1 db:5432 yes 10.94.1.0/24")
        #expect(try await say("all-web", "\(busybox) id -u; \(busybox) id -g; pwd") == "1000 1000 /bin")
        #expect(try await say("all-web", "\(busybox) hostname; cat /data/a.txt; cat /seed/file") == "site oneseeded")
        let writable = "for d in / /data /seed /scratch; do \(busybox) touch $d/new 2>/dev/null && echo $d; done"
        #expect(try await say("all-web", writable + "; true") == "/scratch")
        // A shell becomes its last command.
        #expect(try await say("all-web", "cat /proc/1/cmdline | \(busybox) tr '\\0' ' '").hasSuffix("sleep 1000"))
        let names = "for n in database www inner worker worker-1; do \(busybox) nslookup $n >/dev/null && echo $n; done"
        #expect(try await say("all-web", names + "; true") == "database www inner worker worker-1")
        #expect(try await say("all-db", "\(busybox) ip -o -4 addr show eth0").contains("10.94.1.10/24"))
        #expect(try await say("all-db", "\(busybox) ip route").contains("default via 10.94.1.254"))
        let group = try CgroupHierarchy.detect().group(
            "stackctl/" + (try await lab.stackctl("output", "all", "web").out.filter { !$0.isWhitespace }))
        var limits = try group.limits()
        // Docker's default: as much swap as memory, where the kernel counts it.
        #expect(limits.memorySwapBytes == (group.hasSwapControl ? 64 << 20 : nil))
        limits.memorySwapBytes = nil
        #expect(limits == CgroupLimits(memoryBytes: 32 << 20, nanoCPUs: 500_000_000, pids: 50))
        #expect(try await lab.stackctl("output", "all", "address").out == "db:5432\n")
        try await Self.end(lab)
    }

    @Test("each setting changed alone is planned by its name and at its cost, and applied it is settled")
    func changes() async throws {
        let lab = try await Self.lab()
        try await lab.stackctl("apply", "all", "--yes")
        for variation in Variation.all {
            let input = "change=\(variation.name)"
            let plan = try await lab.stackctl("plan", "all", "--json", "--var", input)
            #expect(try Self.changes(of: plan.out) == variation.expected, "\(variation.name)")
            try await lab.stackctl("apply", "all", "--yes", "--var", input)
            try await lab.stackctl("plan", "all", "--detailed-exitcode", "--var", input)
            try await lab.stackctl("drift", "all")
            try await lab.stackctl("apply", "all", "--yes")
        }
        try await lab.stackctl("plan", "all", "--detailed-exitcode")
        try await Self.end(lab)
    }

    private static func lab() async throws -> ProgramLab {
        let lab = try ProgramLab()
        try Files.makeDirectories(lab.folder + "/seed")
        try Files.write(lab.folder + "/seed/file", Array("seeded\n".utf8))
        try lab.write("all", EveryAttribute.manifest)
        let packed = try await Spawn.run(
            SpawnRequest("/bin/tar", ["-C", lab.folder + "/rootfs", "-cf", lab.folder + "/rootfs.tar", "."]))
        try #require(packed.status.isSuccess, "\(packed.errorText)")
        return lab
    }

    private static func end(_ lab: ProgramLab) async throws {
        try await lab.stackctl("destroy", "all", "--yes")
        try await lab.takeDown()
    }

    private func expectSettled(_ lab: ProgramLab) async throws {
        try await lab.stackctl("plan", "all", "--detailed-exitcode")
        try await lab.stackctl("drift", "all")
    }

    /// `container.web update live limits.memory`, one for each change of a plan.
    private static func changes(of json: String) throws -> [String] {
        let changes = try JSONValue.parse(json)["changes"]?.arrayValue ?? []
        return changes.compactMap { change -> String? in
            let action = change["action"]?.stringValue ?? ""
            guard action != "noChange" else { return nil }
            let words = [change["address"]?.stringValue ?? "", action, change["class"]?.stringValue ?? ""]
            // What a new object has is the whole of it.
            let reasons = action == "create" ? [] : change["reasons"]?.arrayValue ?? []
            let paths = reasons.compactMap { $0["path"]?.stringValue }.filter { !$0.isEmpty }.sorted()
            return (words + paths).joined(separator: " ")
        }.sorted()
    }
}

/// One setting that differs, and what the plan is to say of it.
struct Variation: Sendable {
    var name: String
    var expected: [String]

    private init(_ name: String, _ expected: String...) {
        self.name = name
        self.expected = expected.sorted()
    }

    static let all = process + costless + health + connections + shared

    private static let process = [
        Variation("command", "container.web recreate recreate command"),
        Variation("entrypoint", "container.web recreate recreate command entrypoint"),
        Variation("env", "container.web recreate recreate env.PLAIN"),
        Variation("env-gone", "container.web recreate recreate env.PLAIN"),
        Variation("user", "container.web recreate recreate user"),
        Variation("user-gone", "container.web recreate recreate user"),
        Variation("workdir", "container.web recreate recreate workdir"),
        Variation("workdir-gone", "container.web recreate recreate workdir"),
        Variation("hostname", "container.web restart restart hostname"),
        Variation("hostname-gone", "container.web restart restart hostname"),
        Variation("writable", "container.web restart restart readOnlyRoot"),
        Variation("bind", "container.web recreate recreate mounts"),
        Variation("tmpfs", "container.web recreate recreate mounts"),
        Variation("volume-writable", "container.web recreate recreate mounts"),
    ]

    private static let costless = [
        Variation("label", "container.web update live labels.team"),
        Variation("label-gone", "container.web update live labels.team"),
        Variation("stop-signal", "container.web update live stopSignal"),
        Variation("stop-timeout", "container.web update live stopTimeout"),
        Variation("stop-gone", "container.web update live stopSignal stopTimeout"),
        Variation("memory", "container.web update live limits.memory"),
        Variation("cpus", "container.web update live limits.nanoCPUs"),
        Variation("pids", "container.web update live limits.pids"),
        Variation(
            "limits-gone", "container.web update live limits.memory limits.nanoCPUs limits.pids"),
        Variation("restart", "container.web update live restart.maximumRetryCount restart.policy"),
        Variation("retries-of-restart", "container.web update live restart.maximumRetryCount"),
        Variation("restart-gone", "container.web update live restart.maximumRetryCount restart.policy"),
        Variation("one-shot"),
        Variation("replicas", "container.worker[2] create none"),
    ]

    private static let health = [
        Variation("test", "container.web update live healthcheck.test"),
        Variation("interval", "container.web update live healthcheck.interval"),
        Variation("timeout", "container.web update live healthcheck.timeout"),
        Variation("retries", "container.web update live healthcheck.retries"),
        Variation("start-period", "container.web update live healthcheck.startPeriod"),
        Variation(
            "health-gone",
            "container.web update live healthcheck.interval healthcheck.retries healthcheck.startPeriod "
                + "healthcheck.test healthcheck.timeout"),
        Variation("order"),
    ]

    private static let connections = [
        Variation("port", "container.ports update live ports"),
        Variation("port-target", "container.ports update live ports"),
        Variation("port-protocol", "container.ports update live ports"),
        Variation("port-address", "container.ports update live ports"),
        Variation("ports-gone", "container.ports update live ports"),
        Variation("alias-of-first", "container.web recreate recreate networks"),
        Variation("alias-of-second", "container.web update live networks"),
        Variation("address", "container.db recreate recreate networks"),
        Variation("detached", "container.web update live networks"),
    ]

    private static let shared = [
        Variation("volume-content", "volume.data update live content.a.txt"),
        Variation("volume-label", "volume.data update live labels.kind"),
        Variation("volume-protect"),
        Variation("network-label", "network.back update live labels.net"),
        Variation(
            "network-open", "container.web recreate recreate networks", "network.back recreate recreate internal"),
        Variation(
            "image-env", "container.job recreate recreate image", "image.all/small recreate recreate env.FROM_IMAGE"),
        Variation(
            "image-command", "container.job recreate recreate image", "image.all/small recreate recreate command"),
        Variation("output"),
    ]
}

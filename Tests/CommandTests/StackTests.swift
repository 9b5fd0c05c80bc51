import Diagnostics
import JSONText
import Linux
import StackModel
import Testing

@testable import stackctl

@Suite("stack argument")
struct StackSelectionTests {
    private func inTemporaryFolder(_ body: (String) throws -> Void) throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-test-")
        defer { try? Files.removeTree(folder) }
        try body(folder)
    }

    @Test("a missing folder is named, with the command that makes it")
    func missing() throws {
        let diagnostic = try #require(throws: Diagnostic.self) { _ = try StackSelection.source("no/such") }
        #expect(diagnostic.summary == "there is no folder `no/such`")
        #expect(diagnostic.hint == "`stackctl init no/such` makes one with a Stack.swift in it")
    }

    @Test("an empty folder is said to be empty")
    func empty() throws {
        try inTemporaryFolder { folder in
            let diagnostic = try #require(throws: Diagnostic.self) { _ = try StackSelection.source(folder) }
            #expect(diagnostic.summary == "there is no Stack.swift in `\(folder)`")
            #expect(diagnostic.detail == "the folder is empty")
        }
    }

    @Test("a folder of stacks names one of them")
    func nested() throws {
        try inTemporaryFolder { folder in
            try Files.makeDirectories(folder + "/shop")
            try Files.write(folder + "/shop/Stack.swift", [], mode: 0o644)
            let diagnostic = try #require(throws: Diagnostic.self) { _ = try StackSelection.source(folder) }
            #expect(diagnostic.hint == "did you mean `\(folder)/shop`?")
        }
    }

    @Test("a manifest's own path is its folder, another file is a saved plan")
    func files() throws {
        try inTemporaryFolder { folder in
            try Files.write(folder + "/Stack.swift", [], mode: 0o644)
            try Files.write(folder + "/saved.plan", [], mode: 0o644)
            #expect(try StackSelection.sourceOrPlan(folder) == .folder(folder))
            #expect(try StackSelection.sourceOrPlan(folder + "/Stack.swift") == .folder(folder))
            #expect(try StackSelection.sourceOrPlan(folder + "/saved.plan") == .file(folder + "/saved.plan"))
            #expect(throws: Diagnostic.self) { _ = try StackSelection.source(folder + "/saved.plan") }
        }
    }

    @Test("a word that is no path is a stack's name, where names are taken")
    func names() throws {
        #expect(try StackSelection.sourceOrName("shop") == .name("shop"))
        #expect(throws: Diagnostic.self) { _ = try StackSelection.sourceOrName("./shop") }
    }
}

@Suite("lock")
struct StackLockTests {
    private let document: JSONValue = [
        "resources": [
            [
                "address": "image.web",
                "attributes": ["from": ["debian": ["suite": "bookworm", "packages": ["nginx"]]]],
            ],
            ["address": "image.old", "attributes": ["from": ["debian": ["suite": "trixie", "packages": []]]]],
            ["address": "volume.v", "attributes": [:]],
        ]
    ]

    private func entry(
        _ packages: [String], suite: String = "bookworm", requested: [String]? = ["nginx"], variant: String? = nil,
        mirror: String? = nil
    ) -> StackLock.Entry {
        StackLock.Entry(
            request: StackLock.Request(suite: suite, packages: requested, variant: variant, mirror: mirror),
            packages: packages)
    }

    private func lock(of pinned: StackLock.Pinned, _ position: Int = 0) -> JSONValue? {
        pinned.document["resources"]?.arrayValue?.dropFirst(position).first?["attributes"]?["from"]?["debian"]?["lock"]
    }

    @Test("a lock written is the lock read, with what was asked for")
    func roundTrip() throws {
        var lock = StackLock()
        lock.images["image.web"] = entry(["a=1", "b=2"], variant: "apt", mirror: "http://m/debian")
        #expect(try StackLock(bytes: Array(lock.text.utf8), path: "Stack.lock") == lock)
    }

    @Test("a document gets the packages of its suite only")
    func applied() {
        var lock = StackLock()
        lock.images["image.web"] = entry(["nginx=1"])
        lock.images["image.old"] = entry(["x=1"])
        let pinned = lock.applied(to: document)
        #expect(self.lock(of: pinned) == ["nginx=1"])
        #expect(self.lock(of: pinned, 1) == nil)
        #expect(pinned.document["resources"]?.arrayValue?.last == document["resources"]?.arrayValue?.last)
        #expect(pinned.notes.map(\.address) == ["image.old"])
    }

    @Test("a lock of another request holds what it knows and lets in what is new; the user is told what differs")
    func changedRequest() {
        var lock = StackLock()
        lock.images["image.web"] = entry(["busybox=2"], requested: ["busybox"])
        var pinned = lock.applied(to: document)
        #expect(self.lock(of: pinned) == ["busybox=2", "@request=changed"])
        #expect(
            pinned.notes.compactMap(\.detail) == [
                "Not in it: nginx. What is in it keeps its version.", "No longer asked for: busybox.",
            ])
        lock.images["image.web"] = entry(["nginx=1"], variant: "apt")
        #expect(self.lock(of: lock.applied(to: document)) == ["nginx=1", "@request=changed"])
        lock.images["image.web"] = entry(["nginx=1"], mirror: "http://m/debian")
        pinned = lock.applied(to: document)
        #expect(self.lock(of: pinned) == ["nginx=1"])
        #expect(pinned.notes.count == 1)
    }

    @Test("a lock that does not say what was asked for is taken at its word")
    func withoutRequest() throws {
        let text = #"{"images": {"image.web": {"packages": ["nginx=1"], "suite": "bookworm"}}, "version": 1}"#
        let pinned = try StackLock(bytes: Array(text.utf8), path: "Stack.lock").applied(to: document)
        #expect(lock(of: pinned) == ["nginx=1"])
        #expect(pinned.notes.isEmpty)
    }

    @Test("the lock is what the daemon reports of each Debian image, with what the manifest asked for")
    func shown() throws {
        let shown: JSONValue = [
            "resources": [
                ["address": "image.web", "outputs": ["packages": ["@date=1", "a=1", "b=2"]]],
                ["address": "network.n", "outputs": ["id": "x"]],
            ]
        ]
        let image = StackResource(
            address: try #require(ResourceAddress("image.web")),
            attributes: ["from": ["debian": ["suite": "bookworm", "packages": ["b", "a"], "variant": "apt"]]],
            location: Diagnostics.SourceLocation(file: "Stack.swift", line: 1))
        let document = StackDocument(name: "s", resources: [image])
        let lock = StackLock.from(shown: shown, document: document, tags: ["postgres:17": "sha256:1"])
        #expect(lock.tags == ["postgres:17": "sha256:1"])
        #expect(
            lock.images == ["image.web": entry(["@date=1", "a=1", "b=2"], requested: ["a", "b"], variant: "apt")])
    }

    @Test("tags are pinned to the digests of the lock; what is pinned already, an id or an image of the stack stays")
    func tags() throws {
        let digest = "sha256:" + String(repeating: "a", count: 64)
        func resource(_ address: String, _ attributes: JSONObject) throws -> StackResource {
            StackResource(
                address: try #require(ResourceAddress(address)), attributes: attributes,
                location: Diagnostics.SourceLocation(file: "Stack.swift", line: 1))
        }
        let names = ["postgres:17", "postgres:17", "redis@\(digest)", digest, "shop/site"]
        var resources = try names.enumerated().map { try resource("container.c\($0)", ["image": .string($1)]) }
        resources.append(try resource("image.shop/site", ["from": ["reference": "debian"]]))
        let document = StackDocument(name: "s", resources: resources)
        #expect(ImageTags.unpinned(in: document).map(\.tag) == ["postgres:17", "debian"])
        let pinned = ImageTags.pinned(document, by: ["postgres:17": digest, "debian": digest, "shop/site": digest])
        #expect(
            pinned.resources.flatMap { ImageUse.names($0.address.kind, $0.attributes) } == [
                "postgres:17@\(digest)", "postgres:17@\(digest)", "redis@\(digest)", digest, "shop/site@\(digest)",
                "debian@\(digest)",
            ])
        var lock = StackLock()
        lock.tags = ["postgres:17": digest]
        #expect(try StackLock(bytes: Array(lock.text.utf8), path: "Stack.lock") == lock)
        let damaged = lock.text.replacing("aaaa", with: "zz")
        #expect(throws: Diagnostic.self) { try StackLock(bytes: Array(damaged.utf8), path: "Stack.lock") }
    }

    @Test("a damaged lock names the line and says what to do")
    func damaged() throws {
        let diagnostic = try #require(throws: Diagnostic.self) {
            _ = try StackLock(bytes: Array("{\n  x".utf8), path: "Stack.lock")
        }
        #expect(diagnostic.location?.line == 2)
        #expect(diagnostic.hint != nil)
    }
}

@Suite("daemon location")
struct DaemonLocationTests {
    private func location(_ words: [String], _ environment: [String: String] = [:]) throws -> DaemonLocation {
        let resolution = try ArgumentParser.parse(words + ["ps"], root: CommandTree.root)
        return DaemonLocation(arguments: resolution.arguments, environment: environment, workingDirectory: "/here")
    }

    @Test("options win over the environment, and it over the defaults")
    func precedence() throws {
        #expect(try location([]).socket == "/var/lib/stackctl/run/stackctl.sock")
        #expect(try location([], ["STACKCTL_ROOT": "/env"]).socket == "/env/run/stackctl.sock")
        #expect(try location(["--root", "rel/"], ["STACKCTL_ROOT": "/env"]).root == "/here/rel")
        #expect(try location([], ["STACKCTL_SOCKET": "/s"]).socketIsGiven)
        #expect(try location(["-H", "unix:///x.sock"]).socket == "/x.sock")
    }

    private func chosen(
        _ words: [String], _ environment: [String: String] = [:], arguments: [String] = []
    ) throws -> String? {
        let resolution = try ArgumentParser.parse(words + ["ps"] + arguments, root: CommandTree.root)
        let location = DaemonLocation(
            arguments: resolution.arguments, environment: environment, workingDirectory: "/here")
        return try location.chosen.get()?.text
    }

    @Test("addresses of every kind are understood")
    func addresses() throws {
        #expect(try chosen([]) == nil)
        #expect(try chosen(["-H", "tcp://10.0.0.1"]) == "tcp://10.0.0.1:2375")
        #expect(try chosen(["--tlsverify", "-H", "tcp://[::1]"]) == "tcp://[::1]:2376")
        #expect(try chosen(["-H", "ssh://me@box:2222/run/x.sock"]) == "ssh://me@box:2222/run/x.sock")
        #expect(try chosen(["-H", "x.sock"]) == "unix:///here/x.sock")
        for text in ["fd://", "ssh://-oProxyCommand=x", "ssh://me:secret@box", "tcp://h:port", "ssh:///x"] {
            #expect(throws: Diagnostic.self, "\(text)") { try chosen(["-H", text]) }
        }
    }

    @Test("the environment's variables are taken in the order that is documented")
    func environment() throws {
        let both = ["DOCKER_HOST": "tcp://127.0.0.1:1", "STACKCTL_HOST": "tcp://127.0.0.1:2"]
        #expect(try chosen([], both) == "tcp://127.0.0.1:2")
        #expect(try chosen([], ["DOCKER_HOST": "tcp://127.0.0.1:1"]) == "tcp://127.0.0.1:1")
        #expect(try chosen(["--root", "/r"], both) == nil)
        #expect(try chosen([], ["DOCKER_HOST": "tcp://127.0.0.1:1", "STACKCTL_ROOT": "/r"]) == nil)
        #expect(try chosen(["-c", "default"], both) == nil)
        #expect(throws: Diagnostic.self) { try chosen(["-c", "x", "-H", "unix:///s"]) }
        // Another program's socket is none that a daemon of ours would listen on.
        let location = DaemonLocation(
            arguments: ParsedArguments(), environment: ["DOCKER_HOST": "unix:///var/run/docker.sock"],
            workingDirectory: "/")
        #expect(!location.socketIsGiven)
    }

    @Test("the older version of the API is spoken")
    func negotiation() {
        #expect(DaemonConnector.agreed("1.44") == "1.44")
        #expect(DaemonConnector.agreed("1.99") == DaemonConnector.newestVersionText)
        #expect(DaemonConnector.agreed(nil) == nil)
    }
}

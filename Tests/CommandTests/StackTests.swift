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
        let diagnostic = try #require(throws: Diagnostic.self) { _ = try StackSelection.manifestFolder("no/such") }
        #expect(diagnostic.summary == "there is no folder `no/such`")
        #expect(diagnostic.hint == "`stackctl init no/such` makes one with a Stack.swift in it")
    }

    @Test("an empty folder is said to be empty")
    func empty() throws {
        try inTemporaryFolder { folder in
            let diagnostic = try #require(throws: Diagnostic.self) { _ = try StackSelection.manifestFolder(folder) }
            #expect(diagnostic.summary == "there is no Stack.swift in `\(folder)`")
            #expect(diagnostic.detail == "the folder is empty")
        }
    }

    @Test("a folder of stacks names one of them")
    func nested() throws {
        try inTemporaryFolder { folder in
            try Files.makeDirectories(folder + "/shop")
            try Files.write(folder + "/shop/Stack.swift", [], mode: 0o644)
            let diagnostic = try #require(throws: Diagnostic.self) { _ = try StackSelection.manifestFolder(folder) }
            #expect(diagnostic.hint == "did you mean `\(folder)/shop`?")
        }
    }

    @Test("a manifest's own path is its folder, another file is a saved plan")
    func files() throws {
        try inTemporaryFolder { folder in
            try Files.write(folder + "/Stack.swift", [], mode: 0o644)
            try Files.write(folder + "/saved.plan", [], mode: 0o644)
            #expect(try StackSelection.folderOrPlan(folder) == .folder(folder))
            #expect(try StackSelection.folderOrPlan(folder + "/Stack.swift") == .folder(folder))
            #expect(try StackSelection.folderOrPlan(folder + "/saved.plan") == .file(folder + "/saved.plan"))
            #expect(throws: Diagnostic.self) { _ = try StackSelection.manifestFolder(folder + "/saved.plan") }
        }
    }

    @Test("a word that is no path is a stack's name, where names are taken")
    func names() throws {
        #expect(try StackSelection.folderOrName("shop") == .name("shop"))
        #expect(throws: Diagnostic.self) { _ = try StackSelection.folderOrName("./shop") }
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

    @Test("a lock written is the lock read")
    func roundTrip() throws {
        var lock = StackLock()
        lock.images["image.web"] = StackLock.Entry(suite: "bookworm", packages: ["a=1", "b=2"])
        #expect(try StackLock(bytes: Array(lock.text.utf8), path: "Stack.lock") == lock)
    }

    @Test("a document gets the packages of its suite only")
    func applied() {
        var lock = StackLock()
        lock.images["image.web"] = StackLock.Entry(suite: "bookworm", packages: ["nginx=1"])
        lock.images["image.old"] = StackLock.Entry(suite: "bookworm", packages: ["x=1"])
        let resources = lock.applied(to: document)["resources"]?.arrayValue ?? []
        #expect(resources.first?["attributes"]?["from"]?["debian"]?["lock"] == ["nginx=1"])
        #expect(resources.dropFirst().first?["attributes"]?["from"]?["debian"]?["lock"] == nil)
        #expect(resources.last == document["resources"]?.arrayValue?.last)
    }

    @Test("the lock is what the daemon reports of each Debian image")
    func shown() throws {
        let shown: JSONValue = [
            "resources": [
                ["address": "image.web", "outputs": ["packages": ["@date=1", "a=1", "b=2"]]],
                ["address": "network.n", "outputs": ["id": "x"]],
            ]
        ]
        let image = StackResource(
            address: try #require(ResourceAddress("image.web")),
            attributes: ["from": ["debian": ["suite": "bookworm"]]],
            location: Diagnostics.SourceLocation(file: "Stack.swift", line: 1))
        let lock = StackLock.from(shown: shown, document: StackDocument(name: "s", resources: [image]))
        #expect(lock.images == ["image.web": StackLock.Entry(suite: "bookworm", packages: ["@date=1", "a=1", "b=2"])])
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
        return try DaemonLocation(arguments: resolution.arguments, environment: environment, workingDirectory: "/here")
    }

    @Test("options win over the environment, and it over the defaults")
    func precedence() throws {
        #expect(try location([]).socket == "/var/lib/stackctl/run/stackctl.sock")
        #expect(try location([], ["STACKCTL_ROOT": "/env"]).socket == "/env/run/stackctl.sock")
        #expect(try location(["--root", "rel/"], ["STACKCTL_ROOT": "/env"]).root == "/here/rel")
        #expect(try location([], ["STACKCTL_SOCKET": "/s"]).socketIsGiven)
        #expect(try location(["-H", "unix:///x.sock"]).socket == "/x.sock")
    }

    @Test("a host that is no unix socket is refused")
    func wrongHost() {
        #expect(throws: Diagnostic.self) { _ = try location(["-H", "tcp://1.2.3.4:2375"]) }
    }
}

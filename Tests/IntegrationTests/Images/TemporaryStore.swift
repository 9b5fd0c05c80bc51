import ImageStore
import Linux
import StateStore
import Testing

/// An image store in a directory of its own, gone with all its mounts at the end of a test.
struct TemporaryStore {
    let root: String
    let database: StateDatabase
    let store: ImageStore

    init(backing: LayerBacking? = nil, root: String? = nil) throws {
        let directory = try root ?? Files.temporaryDirectory(prefix: "stackctl-images-")
        self.root = directory
        database = try StateDatabase(path: directory + "/state.db")
        store = try ImageStore(root: directory, database: database, backing: backing)
    }

    /// Opens the same root again, as a daemon does that was killed.
    func reopened(backing: LayerBacking? = nil) throws -> TemporaryStore {
        try TemporaryStore(backing: backing, root: root)
    }

    /// Removes everything and checks that nothing of it is left mounted.
    func close() async throws {
        await store.finishRemovals()
        try await store.unmountAll()
        let left = try Mounts.table().filter { $0.target.hasPrefix(root) }
        #expect(left.isEmpty)
        try Files.removeTree(root)
    }

    /// Names of blobs and layers, and of whatever is half made.
    func files() throws -> [String] {
        let incoming = root + "/layers/.incoming"
        let halfMade = Files.exists(incoming) ? try Files.list(incoming) : []
        let kept = try Files.list(root + "/blobs/sha256") + Files.list(root + "/layers")
        return (kept + halfMade).map(\.name).filter { ![".incoming", ".removed"].contains($0) }.sorted()
    }
}

/// What tests of images share.
enum LayerFixture {
    /// Runs a body with a store that is closed afterwards, whatever happens.
    static func withStore(backing: LayerBacking? = nil, _ body: (TemporaryStore) async throws -> Void) async throws {
        let store = try TemporaryStore(backing: backing)
        do {
            try await body(store)
        } catch {
            try? await store.close()
            throw error
        }
        try await store.close()
    }

    /// Runs a program of this machine and gives what it printed; a failure is an error of the test.
    @discardableResult
    static func tool(_ program: String, _ arguments: String...) async throws -> String {
        let result = try await Spawn.run(
            SpawnRequest(program, arguments), timeout: .seconds(300), outputLimit: 64 << 20)
        try #require(result.status.isSuccess, "\(program): \(result.errorText)")
        return result.outputText
    }

    /// Runs a shell script in a fresh directory, which it fills.
    static func withDirectory(_ script: String, _ body: (String) async throws -> Void) async throws {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-files-")
        defer { try? Files.removeTree(directory) }
        try await tool("/bin/sh", "-ec", "cd \(directory)\n\(script)")
        try await body(directory)
    }

    /// All that is told of the files of a tree: kind, mode, owner, device, time, links, size, target, contents.
    static func listing(_ directory: String) async throws -> String {
        let told = try await tool(
            "/bin/sh", "-ec",
            """
            cd \(directory)
            find . -type d -printf '%P|%y|%m|%U|%G|%T@|%n\\n' | sort
            find . ! -type d -printf '%P|%y|%m|%U|%G|%T@|%n|%s|%l\\n' | sort
            find . \\( -type c -o -type b \\) -exec stat -c '%n %t:%T' {} + | sort
            find . -type f -print0 | sort -z | xargs -0r sha256sum
            """)
        let names = try await tool("/bin/sh", "-ec", "cd \(directory); find . | sort").split(separator: "\n")
        var attributes = ""
        for name in names {
            let path = directory + "/" + name
            for attribute in try ExtendedAttributes.list(path) {
                attributes += "\(name) \(attribute)=\(try ExtendedAttributes.get(path, attribute) ?? [])\n"
            }
        }
        return told + attributes
    }
}

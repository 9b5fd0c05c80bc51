import Archives
import HTTP
import JSONText
import Linux
import OCI
import Registry
import Testing

/// `stackctl registry serve`, the real program, with a root and a port of its own.
final class ServerLab: Sendable {
    static let user = "alice"
    static let password = "opensesame"
    /// bcrypt of the password, as htpasswd(1) writes it.
    static let passwordHash = "$2y$05$abcdefghijklmnopqrstuuQbLfdQZSxZ9gjhA5V9o8Tyc6aQRO0Qi"

    let folder: String
    let root: String
    let port: UInt16
    let process: ChildProcess
    /// The server's log of this start.
    let log: String

    private init(folder: String, port: UInt16, process: ChildProcess, log: String) {
        self.folder = folder
        root = folder + "/root"
        self.port = port
        self.process = process
        self.log = log
    }

    /// Runs a body with a server.
    ///
    /// - Parameter prepare: makes files in the lab's folder before the server starts.
    static func with<Answer: Sendable>(
        _ options: [String] = [], prepare: (String) async throws -> Void = { _ in },
        _ body: @escaping @Sendable (ServerLab) async throws -> Answer
    ) async throws -> Answer {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-server-")
        defer { try? Files.removeTree(folder) }
        try await prepare(folder)
        let lab = try await start(in: folder, options)
        do {
            let answer = try await body(lab)
            try await lab.kill()
            return answer
        } catch {
            try? await lab.kill()
            throw error
        }
    }

    /// Starts a server; `FOLDER` in an option is the lab's folder.
    static func start(in folder: String, _ options: [String] = []) async throws -> ServerLab {
        try Files.write(folder + "/htpasswd", Array("\(user):\(passwordHash)\n".utf8))
        let log = "\(folder)/log-\(try Random.hex(bytes: 4))"
        let output = try Files.open(log, [.writeOnly, .create, .append])
        var request = SpawnRequest(
            try program(),
            ["registry", "serve", "--listen", "127.0.0.1:0", "--root", folder + "/root"]
                + options.map { $0.replacing("FOLDER", with: folder) })
        request.environment = ["PATH=/usr/bin:/bin", "NO_COLOR=1", "HOME=\(folder)"]
        request.descriptors[1] = output.raw
        request.descriptors[2] = output.raw
        let process = try Spawn.start(request)
        for _ in 0..<1200 {
            let text = try Files.readText(log)
            if let start = text.firstRange(of: "://127.0.0.1:"),
                let port = UInt16(text[start.upperBound...].prefix { $0.isNumber })
            {
                return ServerLab(folder: folder, port: port, process: process, log: log)
            }
            if try process.currentStatus() != nil { break }
            try await EventLoop.shared.sleep(for: .milliseconds(50))
        }
        try process.send(9)
        throw SystemError(call: "registry serve", errno: .ETIMEDOUT, subject: try Files.readText(log))
    }

    /// Where the program is: beside the tests.
    static func program() throws -> String {
        let executable = try CurrentProcess.executablePath()
        return executable[..<(executable.lastIndex(of: "/") ?? executable.endIndex)] + "/stackctl"
    }

    /// Ends the server at once, as a power failure would.
    func kill() async throws {
        try process.send(9)
        _ = try await process.exitStatus()
    }

    /// Asks the server to end.
    func stop() async throws -> Linux.ExitStatus {
        try process.send(15)
        return try await process.exitStatus()
    }

    var authority: String { "127.0.0.1:\(port)" }

    func logText() throws -> String { try Files.readText(log) }

    // MARK: Speaking to it

    /// A client of one repository.
    func client(_ repository: String, user: String? = nil, password: String = "") throws -> RegistryClient {
        var options = RegistryOptions()
        options.retry.first = .milliseconds(20)
        if let user {
            options.credentials = { _ throws(RegistryError) in .password(user: user, password: password) }
        }
        return try RegistryClient(domain: authority, repository: repository, options: options)
    }

    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]

        /// The first word of the list of errors.
        var code: String? { (try? JSONValue.parse(body))?["errors"]?.arrayValue?.first?["code"]?.stringValue }
        var json: JSONValue { (try? JSONValue.parse(body)) ?? .null }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Sends one request and reads the whole answer.
    func send(
        _ method: String, _ target: String, _ headers: HTTPHeaders = [:], body: [UInt8]? = nil
    ) async throws -> Answer {
        let port = self.port
        let client = HTTPClient(common: ["Host": authority]) {
            try await AsyncSocket.connect(to: .loopback, port: port)
        }
        let response = try await client.send(method, target, headers: headers, body: body)
        let bytes = method == "HEAD" ? [] : try await response.collect()
        if method == "HEAD" { response.close() }
        return Answer(status: response.status, headers: response.headers, body: bytes)
    }

    /// Sends bytes as they are and reads until the server closes or nothing comes for a while.
    ///
    /// - Parameter closes: whether our direction ends after the bytes.
    func raw(_ bytes: [UInt8], closes: Bool = true) async throws -> String {
        let socket = try await AsyncSocket.connect(to: .loopback, port: port)
        defer { socket.close() }
        try? await socket.writeAll(bytes)
        if closes { try? socket.shutdownWrite() }
        var answer: [UInt8] = []
        while let piece = try? await withTimeout(.seconds(60), { try await socket.read() }), !piece.isEmpty {
            answer += piece
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// Pushes a blob by one request.
    @discardableResult
    func push(_ bytes: [UInt8], to repository: String) async throws -> Digest {
        let digest = try SampleImage.digest(bytes)
        let answer = try await send("POST", "/v2/\(repository)/blobs/uploads/?digest=\(digest)", body: bytes)
        try #require(answer.status == 201, "\(answer.text)")
        return digest
    }

    /// Runs a body on a thread that may block.
    @discardableResult
    func blocking<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
        try await BlockingExecutor.shared.run { () throws in try body() }
    }

    /// Waits until something is so.
    func eventually(_ what: String, _ test: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        repeat {
            if try await test() { return }
            try await EventLoop.shared.sleep(for: .milliseconds(50))
        } while ContinuousClock.now < deadline
        Issue.record("it did not come about that \(what):\n\(try logText())")
    }

    // MARK: What is on the disk

    /// Every file below the root that a client's request may change, with its size; files may go meanwhile.
    func files() throws -> [String] {
        var found: [String] = []
        func walk(_ path: String) throws {
            for entry in try Files.list("\(root)/\(path)") {
                let name = "\(path)/\(entry.name)"
                if entry.kind == .directory {
                    try walk(name)
                } else if let status = try Files.statusIfPresent("\(root)/\(name)") {
                    found.append("\(name) \(status.size)")
                }
            }
        }
        for top in ["blobs", "repositories", "tmp"] { try walk(top) }
        return found
    }

    /// Checks that every content is what its name says.
    func verifyContents() throws {
        for algorithm in try Files.list(root + "/blobs") {
            for prefix in try Files.list("\(root)/blobs/\(algorithm.name)") {
                for file in try Files.list("\(root)/blobs/\(algorithm.name)/\(prefix.name)") {
                    let bytes = try Files.readAll("\(root)/blobs/\(algorithm.name)/\(prefix.name)/\(file.name)")
                    if algorithm.name == "sha256" { #expect(SHA256.hex(of: bytes) == file.name) }
                }
            }
        }
    }

    /// Checks that every content is whole and every name leads to one.
    func verify() throws {
        try verifyContents()
        for repository in try Files.list(root + "/repositories") {
            let path = "\(root)/repositories/\(repository.name)"
            for tag in (try? Files.list(path + "/tags")) ?? [] {
                let digest = try #require(Digest(try Files.readText("\(path)/tags/\(tag.name)")), "\(tag.name)")
                #expect(Files.exists("\(path)/manifests/sha256-\(digest.hex)"), "\(tag.name) leads nowhere")
            }
            for manifest in (try? Files.list(path + "/manifests")) ?? [] {
                let hex = manifest.name.dropFirst("sha256-".count)
                let bytes = try Files.readAll("\(root)/blobs/sha256/\(hex.prefix(2))/\(hex)")
                guard case .manifest(let image) = try ImageDocument(bytes: bytes) else { continue }
                for needed in [image.config] + image.layers {
                    let hex = needed.digest.hex
                    #expect(Files.exists("\(path)/blobs/sha256-\(hex)"), "\(manifest.name) needs \(hex)")
                    #expect(try Files.status("\(root)/blobs/sha256/\(hex.prefix(2))/\(hex)").size == needed.size)
                }
            }
        }
    }
}

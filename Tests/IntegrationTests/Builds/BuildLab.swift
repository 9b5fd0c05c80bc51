import Builder
import Diagnostics
import Engine
import ImageStore
import Linux
import OCI
import Synchronization
import Testing

/// A daemon of its own that builds, with the image of busybox.
struct BuildLab {
    let lab: EngineLab
    /// When files of contexts were written last.
    static let written = Timestamp(seconds: 1_600_000_000)

    init() async throws { lab = try await EngineLab() }

    /// Runs a test with a lab, and takes it down.
    static func run(_ body: (BuildLab) async throws -> Void) async throws {
        let lab = try await BuildLab()
        try await body(lab)
        // Layers are given back by tasks of their own.
        try await lab.lab.eventually("every layer is given back") { try await lab.lab.engine.images.keptLayers.isEmpty }
        try await lab.lab.takeDown()
    }

    var builder: BuildEngine { get async throws { try await lab.engine.builder } }

    /// Writes files into the context, all as old.
    func write(_ files: [String: String], in context: String = "context") throws {
        let root = "\(lab.root)/\(context)"
        try Files.makeDirectories(root)
        for (path, text) in files {
            let whole = "\(root)/\(path)"
            if let slash = whole.lastIndex(of: "/") { try Files.makeDirectories(String(whole[..<slash])) }
            try Files.write(whole, Array(text.utf8))
            try touch(path, Self.written, in: context)
        }
    }

    func touch(_ path: String, _ time: Timestamp, in context: String = "context") throws {
        try Files.setTimes("\(lab.root)/\(context)/\(path)", modified: time)
    }

    func path(_ path: String, in context: String = "context") -> String { "\(lab.root)/\(context)/\(path)" }

    /// The context as builds have it.
    func context(_ name: String = "context") throws -> FileTree {
        try Files.makeDirectories("\(lab.root)/\(name)")
        return FileTree(
            root: try Files.open("\(lab.root)/\(name)", [.readOnly, .directory]).shared(), belongsToRoot: true)
    }

    /// What a build told.
    final class Told: Sendable {
        private let events = Mutex<[BuildEvent]>([])

        func take(_ event: BuildEvent) { events.withLock { $0.append(event) } }

        var all: [BuildEvent] { events.withLock { $0 } }

        /// Names of steps in the order they were known.
        var names: [String] {
            all.compactMap { event in
                guard case .step(let step) = event, step.phase == .waiting else { return nil }
                return step.name
            }
        }

        /// Names of steps whose result was known.
        var cached: [String] {
            all.compactMap { event in
                guard case .step(let step) = event, step.phase == .cached else { return nil }
                return step.name
            }
        }

        var log: String {
            var bytes: [UInt8] = []
            for case .log(_, _, let piece) in all { bytes += piece }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// A request for a Dockerfile and the context.
    func request(_ dockerfile: String, _ change: (inout BuildRequest) -> Void = { _ in }) throws -> BuildRequest {
        var request = BuildRequest()
        request.instructions = .text(Array(dockerfile.utf8), name: "Dockerfile")
        request.context = try context()
        change(&request)
        return request
    }

    /// Builds.
    @discardableResult
    func build(
        _ dockerfile: String, told: Told = Told(), _ change: (inout BuildRequest) -> Void = { _ in }
    ) async throws -> BuildResult {
        try await builder.build(try request(dockerfile, change)) { told.take($0) }
    }

    /// Builds what cannot be built, and gives why.
    func failure(
        _ dockerfile: String, told: Told = Told(), _ change: (inout BuildRequest) -> Void = { _ in }
    ) async throws -> BuildFailure {
        do {
            let result = try await build(dockerfile, told: told, change)
            Issue.record("it was built: \(result)")
        } catch let failure as BuildFailure {
            return failure
        }
        return BuildFailure(.failed, [])
    }

    func image(_ result: BuildResult) async throws -> StoredImage {
        let id = try #require(result.imageID)
        return try #require(try await lab.engine.images.resolve(id.description))
    }
}

extension BuildFailure {
    /// All that users read of it.
    var text: String { DiagnosticList(diagnostics).description }
}

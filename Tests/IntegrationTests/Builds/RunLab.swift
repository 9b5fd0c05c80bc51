import Builder
import Diagnostics
import Dockerfile
import Engine
import ImageStore
import Linux
import OCI
import Synchronization
import Testing

/// Runs single steps on the image of an `EngineLab`, and looks at what they leave.
struct RunLab {
    let lab: EngineLab
    /// The image's layers.
    let layers: [Digest]
    /// The control group above those of the steps.
    let group = "stackctl-run-\((try? Random.hex(bytes: 8)) ?? "")"
    /// The time of files in layers.
    static let epoch = Timestamp(seconds: 1_700_000_000)

    init() async throws {
        lab = try await EngineLab()
        let image = try #require(try await lab.engine.images.resolve("busybox"))
        layers = image.layers
    }

    /// A step in the image's shell.
    func step(_ script: String, on more: [Digest] = []) -> RunStep {
        step(arguments: ["/bin/sh", "-c", script], on: more)
    }

    func step(arguments: [String], on more: [Digest] = []) -> RunStep {
        var step = RunStep(
            EvaluatedRun(arguments: arguments), on: layers + more, title: "RUN \(arguments.last ?? "")",
            epoch: Self.epoch)
        step.limits.cgroupParent = group
        return step
    }

    /// What a step wrote to its outputs.
    final class Log: Sendable {
        private let bytes = Mutex<(out: [UInt8], error: [UInt8])>(([], []))

        func take(_ isError: Bool, _ piece: [UInt8]) {
            bytes.withLock { if isError { $0.error += piece } else { $0.out += piece } }
        }

        var out: String { bytes.withLock { String(decoding: $0.out, as: UTF8.self) } }
        var error: String { bytes.withLock { String(decoding: $0.error, as: UTF8.self) } }
        var count: Int { bytes.withLock { $0.out.count } }
    }

    /// Runs a step, and gives its layer and what it told.
    @discardableResult
    func run(_ step: RunStep) async throws -> (layer: Digest?, log: Log) {
        let log = Log()
        let layer = try await lab.engine.builder.run(step) { log.take($0, $1) }
        return (layer.layer, log)
    }

    /// The failure of a step that must fail.
    func failure(of step: RunStep) async throws -> (failure: BuildFailure, text: String) {
        do {
            try await run(step)
        } catch let error as BuildFailure {
            let text = error.diagnostics.map { "\($0.summary) \($0.detail ?? "")" }.joined(separator: "\n")
            return (error, text)
        }
        throw SystemError(call: "run", errno: .ECANCELED, subject: "\(step.title) did not fail")
    }

    /// The paths in a layer, its root left out, each with its kind.
    func files(of layer: Digest?) async throws -> [String] {
        guard let layer else { return [] }
        let engine = try await lab.engine
        let directories = try await engine.images.mountLayers([layer])
        return try await BlockingExecutor.shared.run {
            try directories.flatMap { try Self.list($0, prefix: "") }
        }
    }

    /// The content of a file in a layer.
    func content(_ path: String, of layer: Digest?) async throws -> String {
        let engine = try await lab.engine
        let directories = try await engine.images.mountLayers([try #require(layer)])
        let directory = try #require(directories.first)
        return try await BlockingExecutor.shared.run { try Files.readText("\(directory)/\(path)") }
    }

    private static func list(_ directory: String, prefix: String) throws -> [String] {
        try Files.list(directory).flatMap { entry -> [String] in
            let path = prefix.isEmpty ? entry.name : "\(prefix)/\(entry.name)"
            guard entry.kind == .directory else { return [path] }
            return [path + "/"] + (try list("\(directory)/\(entry.name)", prefix: path))
        }
    }

    /// Nothing of any step is left: no directory, no control group, no mount, no process.
    func expectNoTrace() async throws {
        let root = lab.root
        #expect(try Files.list("\(root)/builds/steps").map(\.name) == [])
        let groups = try CgroupHierarchy.detect().group(group).directories.flatMap { directory in
            ((try? Files.list(directory)) ?? []).filter { $0.kind == .directory }.map(\.name)
        }
        #expect(groups == [], "control groups are left")
        let mounts = try Mounts.table().map(\.target).filter { $0.hasPrefix(root + "/builds") }
        #expect(mounts == [], "mounts are left")
        try await lab.eventually("no process of a step is left") {
            try Files.list("/proc").allSatisfy { entry in
                guard Int32(entry.name) != nil else { return true }
                let line = (try? Files.readText("/proc/\(entry.name)/cgroup", limit: 65_536)) ?? ""
                return !line.contains("/\(group)/")
            }
        }
    }

    func takeDown() async throws {
        try await expectNoTrace()
        try CgroupHierarchy.detect().group(group).remove()
        try await lab.takeDown()
    }
}

import Builder
import Diagnostics
import Dockerfile
import Engine
import ImageStore
import Linux
import OCI
import Testing

/// A daemon, a directory that files are copied from, and what COPY makes of them over the image of busybox.
final class TransferLab: Sendable {
    let lab: EngineLab
    let source: String
    private let base: [Digest]

    private init() async throws {
        lab = try await EngineLab()
        source = lab.root + "/source"
        try Files.makeDirectory(source)
        let image = try #require(try await lab.engine.images.resolve("busybox"))
        base = image.layers
    }

    /// Runs a test with a lab and takes it down when all trees of the test are gone.
    static func run(_ body: (TransferLab) async throws -> Void) async throws {
        let lab = try await TransferLab()
        try await body(lab)
        // Layers are given back by tasks of their own.
        try await lab.lab.eventually("every layer is given back") { try await lab.lab.engine.images.keptLayers.isEmpty }
        try await lab.lab.takeDown()
    }

    /// Writes a file of the source, and the directories above it.
    func write(_ path: String, _ text: String = "", mode: UInt32 = 0o644) throws {
        let whole = "\(source)/\(path)"
        if let slash = whole.lastIndex(of: "/") { try Files.makeDirectories(String(whole[..<slash])) }
        try Files.write(whole, Array(text.utf8))
        try Files.chmod(whole, mode: mode)
    }

    /// The source as a context is.
    func context(ignored: [String] = []) throws -> FileTree {
        FileTree(
            root: try Files.open(source, [.readOnly, .directory]).shared(), ignored: ignored, belongsToRoot: true)
    }

    /// A step that copies paths of the context onto the image.
    func step(
        _ sources: [String], _ destination: String, isAdd: Bool = false, ignored: [String] = [],
        layers: [Digest]? = nil, _ change: (inout TransferStep) -> Void = { _ in }
    ) throws -> TransferStep {
        let transfer = EvaluatedTransfer(isAdd: isAdd, sources: sources.map { .path($0) }, destination: destination)
        var step = TransferStep(
            transfer, from: try context(ignored: ignored), onto: layers ?? base,
            title: "COPY \(sources.joined(separator: " ")) \(destination)")
        change(&step)
        return step
    }

    /// The files after a step.
    struct Result {
        let tree: FileTree
        let layer: StepLayer
        /// The layers, lowest first.
        let layers: [Digest]

        func status(_ path: String) throws -> FileStatus? {
            try Files.statusIfPresent(path, followLinks: false, at: tree.root.raw)
        }

        func text(_ path: String) throws -> String {
            let file = try Files.openInRoot(tree.root.raw, path).shared()
            return String(decoding: try file.readAll(), as: UTF8.self)
        }

        func names(_ path: String) throws -> [String] {
            let directory = try Files.openInRoot(tree.root.raw, path, [.readOnly, .directory]).shared()
            return try Files.list(descriptor: directory.raw).map(\.name)
        }

        /// `mode uid:gid`.
        func owner(_ path: String) throws -> String {
            guard let status = try status(path) else { return "nothing" }
            return "\(String(status.mode, radix: 8)) \(status.uid):\(status.gid)"
        }
    }

    /// Makes the layer and looks at all files.
    func result(of step: TransferStep) async throws -> Result {
        let builder = try await lab.engine.builder
        let layer = try await builder.transfer(step) { _ in }
        let layers = step.layers + [layer.layer].compactMap { $0 }
        let result = Result(tree: try await builder.tree(of: layers), layer: layer, layers: layers)
        if let digest = layer.layer { try await lab.engine.images.giveBack([digest]) }
        return result
    }

    /// Copies paths of the context onto the image.
    func copy(
        _ sources: String..., to destination: String, isAdd: Bool = false, ignored: [String] = [],
        _ change: (inout TransferStep) -> Void = { _ in }
    ) async throws -> Result {
        try await result(of: try step(sources, destination, isAdd: isAdd, ignored: ignored, change))
    }

    /// The first diagnostic's summary of a copy that fails.
    func failure(
        _ sources: String..., to destination: String, isAdd: Bool = false, ignored: [String] = [],
        _ change: (inout TransferStep) -> Void = { _ in }
    ) async throws -> String {
        let step = try step(sources, destination, isAdd: isAdd, ignored: ignored, change)
        do {
            _ = try await lab.engine.builder.transfer(step) { _ in }
            return "it did not fail"
        } catch let failure as BuildFailure {
            return failure.diagnostics.map {
                [$0.summary, $0.detail, $0.hint].compactMap { $0 }.joined(separator: "; ")
            }
            .joined(separator: "\n")
        }
    }

    func digest(of step: TransferStep) async throws -> String {
        try await lab.engine.builder.contentDigest(of: step)
    }
}

import Builder
import Diagnostics
import Engine
import ImageStore
import JSONText
import Linux
import OCI
import Registry
import Testing

/// Builds on an `EngineLab`, each with a Dockerfile and the files of its context.
struct OutputLab {
    let lab: EngineLab

    init() async throws { lab = try await EngineLab() }

    /// A request for a Dockerfile and a context of files.
    func request(
        _ dockerfile: String, files: [String: String] = [:], tags: [String] = [],
        _ change: (inout BuildRequest) -> Void = { _ in }
    ) throws -> BuildRequest {
        let folder = "\(lab.root)/context-\(try Random.hex(bytes: 4))"
        try Files.makeDirectories(folder)
        for (path, content) in files {
            let parent = path.split(separator: "/").dropLast().joined(separator: "/")
            try Files.makeDirectories("\(folder)/\(parent)")
            try Files.write("\(folder)/\(path)", Array(content.utf8))
        }
        var request = BuildRequest()
        request.instructions = .text(Array(dockerfile.utf8), name: "Dockerfile")
        request.context = FileTree(root: try Files.open(folder, [.readOnly, .directory]).shared())
        request.tags = try tags.map { try ImageReference($0).withDefaultTag }
        change(&request)
        return request
    }

    @discardableResult
    func build(_ request: BuildRequest) async throws -> BuildResult {
        do {
            return try await lab.engine.builder.build(request) { _ in }
        } catch let failure as BuildFailure {
            Issue.record("\(failure.diagnostics.map { "\($0.summary): \($0.detail ?? "") \($0.notes)" })")
            throw failure
        }
    }

    /// Builds and gives what came out of the one output that is made with a file.
    func file(
        _ request: BuildRequest, _ output: (SharedDescriptor) -> BuildOutput
    ) async throws -> (path: String, result: BuildResult) {
        let path = "\(lab.root)/output-\(try Random.hex(bytes: 4))"
        var request = request
        request.outputs = [output(try Files.open(path, [.writeOnly, .create, .exclusive], mode: 0o644).shared())]
        return (path, try await build(request))
    }

    /// Unpacks an archive and gives the directory.
    func unpack(_ archive: String) async throws -> String {
        let folder = archive + ".d"
        try Files.makeDirectories(folder)
        let tar = try await Spawn.run(SpawnRequest("/usr/bin/tar", ["-C", folder, "-xf", archive]))
        #expect(tar.status.code == 0, "\(tar.errorText)")
        return folder
    }

    /// A document of an unpacked layout.
    func blob(_ folder: String, _ digest: Digest) throws -> [UInt8] {
        try Files.readAll("\(folder)/blobs/sha256/\(digest.hex)")
    }

    func index(_ folder: String) throws -> ImageIndex { try ImageIndex(bytes: Files.readAll("\(folder)/index.json")) }
}

import Archives
import Diagnostics
import Linux

/// How `PUT /containers/{id}/archive` unpacks.
package struct UnpackChoices: Sendable, Hashable {
    /// Whether a directory and anything else do not take each other's place.
    package var keepsKinds = false
    /// Whether everything gets the container's user and group as owner.
    package var takesContainerUser = false

    /// The defaults: replace, and keep the archive's owners.
    package init() {}
}

extension HostEngine {
    /// What is at a path in a container.
    ///
    /// - Parameter name: the container as the client called it, for messages.
    package func pathStatus(_ container: Container, name: String, path: String) async throws -> PathStatus {
        try await explaining(name, path) {
            try await self.withView(of: container) { view in
                try await BlockingExecutor.shared.run { try view.status(ContainerPath(path)) }
            }
        }
    }

    /// Gives what is at a path in a container as an archive.
    ///
    /// - Parameters:
    ///   - name: the container as the client called it, for messages.
    ///   - give: is told what is at the path, and is given what writes the archive into a descriptor.
    package func readArchive(
        _ container: Container, name: String, path text: String,
        give:
            @escaping @Sendable (
                PathStatus, _ archive: @escaping @Sendable (SharedDescriptor) async throws -> Void
            ) async throws -> Void
    ) async throws {
        let path = ContainerPath(text)
        try await withView(of: container) { view in
            let (status, source) = try await self.explaining(name, text) {
                try await BlockingExecutor.shared.run { (try view.status(path), try view.source(path)) }
            }
            await self.publish("archive-path", container)
            try await give(status) { archive in
                try await BlockingExecutor.shared.run { try view.write(source, named: path, to: archive) }
            }
        }
    }

    /// Unpacks an archive into a directory of a container.
    ///
    /// - Parameter name: the container as the client called it, for messages.
    package func unpackArchive(
        _ archive: SharedDescriptor, into container: Container, name: String, path: String, _ choices: UnpackChoices
    ) async throws {
        let specification = container.specification
        try await explaining(name, path) {
            try await self.withWritableView(of: container) { view in
                try await BlockingExecutor.shared.run {
                    let place = try view.extractionPoint(ContainerPath(path))
                    var extraction = ArchiveExtraction(root: view.root, base: place)
                    extraction.keepsKinds = choices.keepsKinds
                    if choices.takesContainerUser, !specification.user.isEmpty {
                        extraction.owner = try view.owner(named: specification.user)
                    }
                    try extraction.run(archive)
                }
            }
        }
        await publish("extract-to-dir", container)
    }

    /// Removes what is at a path in a container, with all it holds; what is not there needs nothing.
    ///
    /// Links on the way lead inside the container; one that the path itself names is removed, and not what it leads to.
    ///
    /// - Parameter name: the container as the client called it, for messages.
    package func removeFiles(_ container: Container, name: String, path: String) async throws {
        try await explaining(name, path) {
            try await self.withWritableView(of: container) { view in
                try await BlockingExecutor.shared.run { try view.remove(ContainerPath(path)) }
            }
        }
    }

    /// Docker's words for what goes wrong with a path.
    private func explaining<Value: Sendable>(
        _ container: String, _ path: String, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        do {
            return try await work()
        } catch let error as SystemError {
            switch error.errno {
            case .ENOENT, .ENOTDIR:
                throw EngineError(.notFound, "Could not find the file \(path) in container \(container)")
            case .EROFS: throw EngineError(.forbidden, "mounted volume is marked read-only")
            case .ENAMETOOLONG, .EINVAL, .ELOOP: throw EngineError(.invalid, "\(error)")
            default: throw EngineError.wrapping(error)
            }
        } catch let error as ArchiveError {
            if case .system(let error) = error, error.errno == .EROFS {
                throw EngineError(.forbidden, "mounted volume is marked read-only")
            }
            if case .system = error { throw EngineError(.failed, "\(error)") }
            throw EngineError(.invalid, "\(error)")
        }
    }
}

/// What an archive is made of.
enum ArchiveSource: Sendable {
    /// A directory with all in it.
    case directory(SharedDescriptor)
    /// One file in a directory.
    case file(name: [UInt8], in: SharedDescriptor)
}

extension ContainerView {
    /// Opens what is at a path, to be archived.
    ///
    /// Blocks.
    func source(_ path: ContainerPath) throws(SystemError) -> ArchiveSource {
        let handle = try open(path)
        guard try handle.status().kind != .directory else {
            return .directory(try Files.open(".", [.readOnly, .directory], at: handle.raw).shared())
        }
        let parent = try Files.openInRoot(root.raw, path.parent, [.readOnly, .directory]).shared()
        return .file(name: Array(path.base.utf8), in: parent)
    }

    /// Writes the archive, its names beginning with the path's last part.
    ///
    /// Blocks.
    func write(_ source: ArchiveSource, named path: ContainerPath, to archive: SharedDescriptor) throws {
        var choices = DirectoryWalker.Choices()
        choices.keepsReservedNames = true
        choices.entersMounts = true
        choices.leavesEmpty = kernelDevices
        let sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void = { piece throws(ArchiveError) in
            do throws(SystemError) { try archive.writeAll(piece) } catch { throw .system(error) }
        }
        switch source {
        case .directory(let directory):
            choices.prefix = Array(path.base.utf8)
            try DirectoryArchive.write(directory, choices: choices, to: sink)
        case .file(let name, let directory):
            try DirectoryArchive.write(name: name, in: directory, choices: choices, to: sink)
        }
    }

    /// Where an archive is unpacked: absolute, all links followed.
    ///
    /// Blocks.
    func extractionPoint(_ path: ContainerPath) throws -> String {
        let place = try resolved(path.clean)
        let directory = try Files.openInRoot(root.raw, place, [.path]).shared()
        guard try directory.status().kind == .directory else {
            throw EngineError(.invalid, "extraction point is not a directory")
        }
        try requireWritable(directory)
        return place
    }

    /// Removes what a path names, and nothing of another mount.
    ///
    /// Blocks.
    func remove(_ path: ContainerPath) throws {
        guard !["", ".", "..", "/"].contains(path.base) else {
            throw EngineError(.invalid, "bad parameter: 'path' must name something in a directory")
        }
        do {
            let parent = try Files.openInRoot(root.raw, path.parent, [.readOnly, .directory]).shared()
            try requireWritable(parent)
            try Files.removeTree(path.base, at: parent.raw)
        } catch let error as SystemError where [.ENOENT, .ENOTDIR].contains(error.errno) {}
    }

    /// Tells a read-only root from a read-only mount before anything is read.
    private func requireWritable(_ directory: SharedDescriptor) throws {
        guard try Files.isReadOnly("/proc/self/fd/\(directory.raw)") else { return }
        let isRoot = try directory.status().mountID == root.status().mountID
        throw EngineError(
            .forbidden, isRoot ? "container rootfs is marked read-only" : "mounted volume is marked read-only")
    }
}

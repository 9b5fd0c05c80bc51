import Archives
import Linux
import Runtime

extension HostEngine {
    /// The most bytes a file that containers get in memory may have.
    package static let maximumFileLength = 4 << 20
    /// The most bytes of all such files of a container: its supervisor keeps them for restarts.
    private static let maximumFilesLength = 16 << 20

    /// The files of a container with their content as it is now.
    ///
    /// - Throws: an error that names the file, never its content.
    func readFiles(_ files: [FileSpecification]) async throws -> [(file: FileSpecification, content: [UInt8])] {
        guard !files.isEmpty else { return [] }
        let sealed = sealedTexts
        return try await BlockingExecutor.shared.run { () throws(EngineError) in
            var result: [(file: FileSpecification, content: [UInt8])] = []
            var total = 0
            for var file in files {
                let content: [UInt8]
                switch file.content {
                case .text(let text): content = Array(text.utf8)
                case .sealed(let text):
                    do throws(EngineError) {
                        content = try sealed.open(text)
                    } catch {
                        throw EngineError(error.kind, "the file \(file.target) cannot be made: \(error.message)")
                    }
                case .source(let path):
                    content = try Self.readSource(path)
                    file.digest = try sealed.digest(of: content)
                }
                total += content.count
                guard total <= Self.maximumFilesLength else {
                    throw EngineError(
                        .invalid,
                        "the secrets and configs of a container have at most \(Self.maximumFilesLength) bytes together")
                }
                result.append((file, content))
            }
            return result
        }
    }

    /// The content of a file of the host: all of it, through one descriptor.
    ///
    /// Blocks.
    package static func readSource(_ path: String) throws(EngineError) -> [UInt8] {
        do throws(SystemError) {
            let file = try Files.open(path, [.nonBlocking])
            let status = try file.status()
            guard status.kind == .regular else {
                throw SystemError(call: "open", errno: status.kind == .directory ? .EISDIR : .EINVAL, subject: path)
            }
            return try file.readAll(limit: maximumFileLength)
        } catch {
            let reason =
                switch error.errno {
                case .EISDIR: "it is a directory"
                case .EINVAL: "it is no regular file"
                case .EFBIG: "it has more than \(maximumFileLength) bytes"
                case .ENOENT: "it does not exist"
                default: error.errno.text
                }
            throw EngineError(.invalid, "\(path), which a container is to get as a file, cannot be read: \(reason)")
        }
    }

    /// Takes note of what a start has read.
    func note(_ files: [FileSpecification], of container: Container) async throws {
        guard files != container.specification.files else { return }
        container.change { $0.specification.files = files }
        try await save(container)
    }

    /// What the runtime is told of them; without content for a list of steps.
    static func fileMounts(_ files: [(file: FileSpecification, content: [UInt8])]) -> [MountConfiguration] {
        files.map { file, content in
            var mount = MountConfiguration(
                .file(content: content, mode: file.mode, user: file.user, group: file.group), target: file.target)
            mount.readOnly = true
            return mount
        }
    }
}

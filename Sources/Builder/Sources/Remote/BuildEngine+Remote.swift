import Archives
import Dockerfile
import ImageStore
import Linux
import OCI
import Registry

extension BuildEngine {
    /// A context that is elsewhere: a repository, an archive or a Dockerfile on the web.
    ///
    /// - Throws: `BuildFailure`.
    package func context(at address: String) async throws -> FileTree {
        do {
            if GitReference.isRepository(address) {
                let checkout = GitCheckout(reference: try GitReference(address), parent: contextDirectory)
                return try await checkout.tree(
                    of: try await checkout.commit(),
                    keepingGitDirectory: checkout.reference.keepsGitDirectory ?? false)
            }
            guard WebFetch.isAddress(address) else {
                throw BuildFailure.badTransfer(
                    "unable to prepare context: \(address) is neither a repository nor a web address")
            }
            let file = try await webFile(address, checksum: nil, mayBeRecent: false)
            let parent = contextDirectory
            return try await BlockingExecutor.shared.run {
                let directory = try TemporaryTree(in: parent, prefix: "tar-")
                let root = try directory.open()
                let digests = try UnpackedContext.unpack(
                    SpareRoom(DescriptorSource(file.file), root: parent), into: root)
                return FileTree(root: root, known: digests, belongsToRoot: true, lifetime: directory)
            }
        } catch {
            throw BuildFailure.transferring("reading the build context \(address)", error)
        }
    }

    func webFile(_ address: String, checksum: String?, mayBeRecent: Bool) async throws -> WebFile {
        let (web, cancellation) = (web, CancellationFlag())
        return try await withTaskCancellationHandler {
            try await WebStore.threads.run {
                try web.get(address, checksum: checksum, mayBeRecent: mayBeRecent, cancellation)
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// Fetches the sources of a step that are elsewhere.
    ///
    /// - Parameter isForDigest: of a repository only the commit is asked for, and everybody is asked anew.
    func fetch(_ step: TransferStep, isForDigest: Bool) async throws -> [TransferSources.Fetched?] {
        var result: [TransferSources.Fetched?] = []
        for source in step.transfer.sources {
            switch source {
            case .path, .inline: result.append(nil)
            case .web(let address):
                let checksum = try step.transfer.checksum.map { try Self.checksum($0) }
                result.append(
                    .web(try await webFile(address, checksum: checksum, mayBeRecent: !isForDigest)))
            case .git(let address):
                var reference = try GitReference(address)
                if let checksum = step.transfer.checksum { reference.checksum = checksum }
                let checkout = GitCheckout(reference: reference, parent: contextDirectory)
                let commit = try await checkout.commit()
                if isForDigest {
                    result.append(.commit(commit))
                } else {
                    let keeps = reference.keepsGitDirectory ?? step.transfer.keepsGitDirectory
                    result.append(.tree(try await checkout.tree(of: commit, keepingGitDirectory: keeps)))
                }
            }
        }
        return result
    }

    /// `--checksum` of a web address, without its algorithm.
    private static func checksum(_ text: String) throws(BuildFailure) -> String {
        let prefix = "sha256:"
        let digits = text.dropFirst(prefix.count)
        guard text.hasPrefix(prefix), digits.count == 64, digits.allSatisfy({ $0.isHexDigit && !$0.isUppercase }) else {
            throw .badTransfer(
                "invalid checksum digest format: \(text)", hint: "write sha256: and 64 hexadecimal digits")
        }
        return String(digits)
    }
}

import Builder
import Diagnostics
import Dockerfile
import Linux
import Synchronization

/// A directory whose files a build may use: its listing, and the contents that the daemon wants of it.
final class ContextSource: Sendable {
    let listing: ContextListing
    private let root: SharedDescriptor
    private let path: String

    /// Lists a directory; blocking.
    ///
    /// - Throws: `Diagnostic` for what cannot be read.
    init(_ path: String, ignoring rules: IgnoreRules) throws(Diagnostic) {
        self.path = path
        do {
            root = try Files.open(path, [.readOnly, .directory]).shared()
            listing = try ContextListing(walking: root, ignoring: rules)
        } catch {
            throw Diagnostic(
                code: "SC0203", summary: "the context \(TerminalText.line(path)) cannot be read", detail: "\(error)",
                hint: "name what the build does not need in .dockerignore")
        }
    }

    /// What tells this context apart from others of its sender.
    func key(_ name: String) -> String { "\((try? Files.realPath(path)) ?? path) \(name)" }

    /// Bytes of the files at these places of the listing.
    func size(of needed: [Int]) -> Int64 {
        needed.reduce(0) { sum, index in
            guard listing.files.indices.contains(index) else { return sum }
            return sum &+ Int64(clamping: listing.files[index].size)
        }
    }

    /// Opens the files at these places of the listing; blocking.
    func open(_ places: [Int]) throws(Diagnostic) -> [SharedDescriptor] {
        do {
            return try listing.open(places, root: root)
        } catch {
            throw Diagnostic(
                code: "SC0203", summary: "the context \(TerminalText.line(path)) cannot be sent", detail: "\(error)",
                hint: "build again when nothing changes its files")
        }
    }

    /// Gives the files at these places of the listing to `send`, which gets pieces of a tar.
    func archive(of needed: [Int], _ send: (@escaping @Sendable () async throws -> [UInt8]?) async throws -> Void)
        async throws
    {
        let pipe = try PipeEnds.writtenByThread()
        let (end, waiting) = (pipe.blocking, pipe.waiting)
        let outcome = Mutex<(any Error)?>(nil)
        async let written: Void = BlockingExecutor.shared.run { [self] in
            do {
                let out = try end.take()
                try listing.writeArchive(of: needed, root: root) { try out.writeAll($0) }
            } catch {
                outcome.withLock { $0 = error }
            }
        }
        let failure: (any Error)?
        do {
            try await send {
                let piece = try await waiting.read(upTo: 256 << 10)
                return piece.isEmpty ? nil : piece
            }
            failure = nil
        } catch {
            failure = error
        }
        waiting.close()
        await written
        let unread = outcome.withLock { $0 }
        // Whoever stopped reading has the reason.
        if let unread, (unread as? SystemError)?.errno != .EPIPE {
            throw Diagnostic(
                code: "SC0203", summary: "the context \(TerminalText.line(path)) cannot be sent", detail: "\(unread)",
                hint: "build again when nothing changes its files")
        }
        if let failure { throw failure }
    }
}

import Builder
import Diagnostics
import ImageStore
import Linux
import OCI
import StateStore

/// An image that is mounted on the host to be looked at.
package struct ImageMount: Sendable, Hashable {
    /// The image.
    package let image: Digest
    /// Where, absolute.
    package let path: String
}

/// Images mounted on the host, read-only.
///
/// Each is in the database before it is mounted. A mount outlives the daemon, and the next one finds it again; while it
/// is there, its image stays.
extension HostEngine {
    private static let keyPrefix = "image-mount."

    /// Every image that is mounted, by path.
    package func imageMounts() async throws -> [ImageMount] {
        let database = self.database
        return try await BlockingExecutor.shared.run {
            try database.read { tables in
                try tables.query("SELECT key, value FROM kv WHERE key GLOB 'image-mount./*' ORDER BY key") { row in
                    (row.text(0), row.text(1))
                }
            }
        }.compactMap { key, value in
            Digest(value).map { ImageMount(image: $0, path: String(key.dropFirst(Self.keyPrefix.count))) }
        }
    }

    /// Mounts an image at a directory that is there, or at one of its own, where it may be mounted already.
    package func mountImage(_ text: String, at wanted: String?) async throws -> ImageMount {
        let image = try await image(named: text)
        return try await imageMountQueue.run { try await self.mount(image, at: wanted) }
    }

    private func mount(_ image: StoredImage, at wanted: String?) async throws -> ImageMount {
        let own = "\(configuration.root)/mounts/\(image.id.hex)"
        let path = try await BlockingExecutor.shared.run { try Self.place(wanted, own: own) }
        let entry = ImageMount(image: image.id, path: path)
        let known = try await imageMounts().first { $0.path == path }
        if try await BlockingExecutor.shared.run({ try Mounts.isMountPoint(path) }) {
            if known == entry { return entry }
            throw EngineError(
                .conflict, "cannot mount image \(image.id.shortHex): something is mounted on \(path) already")
        }
        let layers = try await layerMounts.hold(image)
        do {
            try await writer.commit { try $0.setValue(image.id.description, forKey: Self.keyPrefix + path) }
            let empty = emptyDirectory
            try await BlockingExecutor.shared.run { try MergedView.mount(layers, at: path, empty: empty) }
        } catch {
            layerMounts.release(image.id)
            try? await writer.commit { try $0.setValue(nil, forKey: Self.keyPrefix + path) }
            if wanted == nil { await BlockingExecutor.shared.run { try? Files.removeDirectory(path) } }
            throw EngineError.wrapping(error, doing: "cannot mount image \(image.id.shortHex) on \(path)")
        }
        // Somebody else has unmounted what was here, which is held still.
        if let known { layerMounts.release(known.image) }
        await publish(.image, "mount", actor: image.id.description, ["path": path])
        return entry
    }

    /// The directory to mount on, without links.
    private static func place(_ wanted: String?, own: String) throws -> String {
        guard let wanted else {
            try Files.makeDirectories(own, mode: 0o755)
            return own
        }
        guard wanted.hasPrefix("/") else {
            throw EngineError(.invalid, "cannot mount on \"\(wanted)\": it needs to be an absolute path")
        }
        let status: FileStatus?
        do {
            status = try Files.statusIfPresent(wanted)
        } catch {
            throw EngineError(.invalid, "cannot mount on \(wanted): \(error)")
        }
        guard status?.kind == .directory else {
            throw EngineError(
                .invalid,
                "cannot mount on \(wanted): \(status == nil ? "there is no such directory" : "it is no directory")")
        }
        return try Files.realPath(wanted)
    }

    /// Unmounts an image everywhere, or what is mounted at a path; everything with nil.
    ///
    /// - Parameter force: also where a process is in there, which then goes on with what it has.
    /// - Returns: what was unmounted.
    package func unmountImages(_ text: String?, force: Bool) async throws -> [ImageMount] {
        try await imageMountQueue.run { try await self.unmount(text, force: force) }
    }

    private func unmount(_ text: String?, force: Bool) async throws -> [ImageMount] {
        let all = try await imageMounts()
        var chosen = all
        if let text {
            if text.hasPrefix("/") {
                let path = await BlockingExecutor.shared.run { (try? Files.realPath(text)) ?? text }
                chosen = all.filter { $0.path == path }
            } else {
                let id = try await identify(text).id
                chosen = all.filter { $0.image == id }
            }
            guard !chosen.isEmpty else { throw EngineError(.notFound, "image \(text) is not mounted") }
        }
        for mount in chosen {
            do {
                try await BlockingExecutor.shared.run {
                    if try Mounts.isMountPoint(mount.path) { try Mounts.unmount(mount.path, force ? [.detach] : []) }
                }
            } catch let error as SystemError where error.errno == .EBUSY {
                throw EngineError(
                    .conflict,
                    "image \(mount.image.shortHex) cannot be unmounted from \(mount.path): something in it is in use; end it, or force it"
                )
            }
            try await forget(mount)
            layerMounts.release(mount.image)
            await publish(.image, "unmount", actor: mount.image.description, ["path": mount.path])
        }
        sweepLayersLater()
        return chosen
    }

    /// Takes a mount that is over out of the database, and its directory where that was made for it.
    private func forget(_ mount: ImageMount) async throws {
        try await writer.commit { try $0.setValue(nil, forKey: Self.keyPrefix + mount.path) }
        guard mount.path.hasPrefix("\(configuration.root)/mounts/") else { return }
        await BlockingExecutor.shared.run { try? Files.removeDirectory(mount.path) }
    }

    /// Holds the images of mounts that an earlier daemon made, and forgets those that are no more.
    func recoverImageMounts() async -> [String] {
        var notes: [String] = []
        for mount in (try? await imageMounts()) ?? [] {
            let isThere = await BlockingExecutor.shared.run { (try? Mounts.isMountPoint(mount.path)) ?? false }
            do {
                if isThere, let image = try await images.resolve(mount.image.description) {
                    _ = try await layerMounts.hold(image)
                } else {
                    try await forget(mount)
                    notes.append("image \(mount.image.shortHex) is no longer mounted on \(mount.path)")
                }
            } catch {
                notes.append("image \(mount.image.shortHex), mounted on \(mount.path), cannot be held: \(error)")
            }
        }
        return notes
    }

    /// Where an image is mounted, if it is.
    func mountPath(ofImage id: Digest) async throws -> String? {
        try await imageMounts().first { $0.image == id }?.path
    }
}

import Diagnostics
import Linux
import OCI
import Synchronization

/// The mounts of layers: one for each, shared by all containers.
///
/// The kernel's mount table is the only record, so that a daemon that was killed finds its mounts again.
final class LayerMounts: Sendable {
    private let layout: StoreLayout
    private let backing: LayerBacking
    // Held while mounting, so that one layer asked for twice is mounted once.
    private let turn = Mutex(())

    init(layout: StoreLayout, backing: LayerBacking) {
        self.layout = layout
        self.backing = backing
    }

    /// Gives the directory in which a layer's files are, mounting it when it is not.
    func path(of diffID: Digest, form: LayerForm) throws(Diagnostic) -> String {
        if form == .tree { return layout.tree(diffID) }
        let target = layout.mountPoint(diffID)
        return try turn.withLock { _ throws(Diagnostic) in
            do {
                if try Files.status(target).isMountRoot { return target }
                try mount(diffID, at: target)
            } catch {
                throw Diagnostic(
                    code: StoreCode.mountFailed, summary: "layer \(diffID) cannot be mounted",
                    detail: "\(error)", hint: "remove the images that have this layer and make them again")
            }
            return target
        }
    }

    /// Whether a layer's files are in the store.
    func hasFiles(of diffID: Digest, form: LayerForm) -> Bool {
        Files.exists(form == .tree ? layout.tree(diffID) : layout.image(diffID))
    }

    /// What a user reads of an image without one of its layers.
    func missing(_ diffID: Digest, of image: StoredImage) -> Diagnostic {
        let name = image.references.first?.familiar ?? image.id.shortHex
        return Diagnostic(
            code: StoreCode.damaged, summary: "layer \(diffID) of image \(name) is not in the store",
            detail: "image \(image.id) needs it, and \(layout.layer(diffID)) does not have it",
            hint: "remove image \(name) and make it again")
    }

    private func mount(_ diffID: Digest, at target: String) throws(SystemError) {
        let image = layout.image(diffID)
        // What a container may do is the business of its overlay mount; on the host these are files to look at.
        let flags: MountFlags = [.readOnly, .noSetUserID, .noDevices]
        if backing == .fileBacked {
            do throws(SystemError) {
                try Mounts.mount(source: image, target: target, type: "erofs", flags: flags)
                return
            } catch  where error.errno == .ENOTBLK {
                // A kernel that is new enough but was built without file-backed mounts.
            }
        }
        let file = try Files.open(image)
        let device = try LoopDevice.attach(file.raw, readOnly: true)
        try Mounts.mount(source: device.path, target: target, type: "erofs", flags: flags)
    }

    /// Unmounts a layer; one that is not mounted is fine.
    ///
    /// - Parameter isNeeded: asked while nothing is mounted; what it needs stays.
    func unmount(_ diffID: Digest, unless isNeeded: (Digest) -> Bool = { _ in false }) throws(SystemError) {
        let target = layout.mountPoint(diffID)
        try turn.withLock { _ throws(SystemError) in
            guard !isNeeded(diffID), let status = try Files.statusIfPresent(target), status.isMountRoot else { return }
            // An overlay keeps what it uses of the layer itself. A process that looks into it from the host must not
            // keep a removed layer alive under its name.
            try Mounts.unmount(target, .detach)
        }
    }

    /// The layers that are mounted now.
    func mounted(among layers: [Digest]) -> [Digest] {
        layers.filter { diffID in
            let status = try? Files.statusIfPresent(layout.mountPoint(diffID))
            return status?.isMountRoot ?? false
        }
    }
}

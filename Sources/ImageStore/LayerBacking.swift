import Archives
import Diagnostics
import Linux

/// How layers become directories that an overlay can use.
package enum LayerBacking: String, Sendable, Hashable, CaseIterable {
    /// The EROFS file is mounted as it is: Linux 6.12 and later.
    case fileBacked
    /// The EROFS file is mounted through a loop device.
    case loop
    /// The layer is unpacked to a directory tree: kernels without EROFS.
    case directory
}

extension LayerBacking {
    /// The best that is there, tried with an image of nothing.
    ///
    /// What a kernel can do follows from its version, how it was built, the devices there are and the file system the
    /// layers are on; so it is asked.
    ///
    /// - Parameters:
    ///   - directory: where layers will be.
    ///   - mounts: tries one way with an image.
    package static func detect(
        in directory: String, mounts: (LayerBacking, _ image: String) throws -> Void = tryMount
    ) -> LayerBacking {
        let path = directory + "/.probe"
        defer { _ = try? Files.unlinkIfPresent(path) }
        do {
            let file = try Files.open(path, [.readWrite, .create, .truncate], mode: 0o600).shared()
            _ = try LayerWriter.write(tar: MemorySource(TarWriter.endMarker), to: file)
        } catch {
            // Whoever opens the store hears of it; nothing can be told of the kernel here.
            return .directory
        }
        for backing in [LayerBacking.fileBacked, .loop] where (try? mounts(backing, path)) != nil { return backing }
        return .directory
    }

    /// Makes a mount of an image that is nowhere.
    package static func tryMount(_ backing: LayerBacking, image: String) throws {
        switch backing {
        case .fileBacked:
            _ = try Mounts.create(type: "erofs", options: [.string("source", image), .flag("ro")])
        case .loop:
            let file = try Files.open(image)
            let device = try LoopDevice.attach(file.raw, readOnly: true)
            _ = try Mounts.create(type: "erofs", options: [.string("source", device.path), .flag("ro")])
        case .directory: break
        }
    }

    /// What `STACKCTL_LAYERS` asks for, for kernels that are better not asked; nil where it is not set.
    ///
    /// - Throws: `Diagnostic`, with the values there are.
    package static func fromEnvironment() throws(Diagnostic) -> LayerBacking? {
        guard let text = Environment.get("STACKCTL_LAYERS"), !text.isEmpty else { return nil }
        guard let backing = LayerBacking(rawValue: text) else {
            throw Diagnostic(
                code: StoreCode.io, summary: "STACKCTL_LAYERS is `\(text)`, which is no way to use layers",
                hint: "unset it, or set it to one of \(allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return backing
    }
}

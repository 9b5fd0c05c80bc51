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
    /// The best that this kernel offers.
    package static func detect() -> LayerBacking {
        // A kernel with EROFS as a module lists it only once the module is loaded; mounting loads it, asking does not.
        let listed = (try? Files.readText("/proc/filesystems")) ?? ""
        let known = listed.split(separator: "\n").contains { $0.hasSuffix("\terofs") }
        let release = (try? Files.readText("/proc/sys/kernel/osrelease")) ?? ""
        let module = "/lib/modules/\(release.trimmedLine)/kernel/fs/erofs"
        guard known || Files.exists(module) else { return .directory }
        return mountsFiles(release: release) ? .fileBacked : .loop
    }

    /// Whether a kernel of this release mounts an EROFS file without a block device: 6.12 and later.
    package static func mountsFiles(release: String) -> Bool {
        let numbers = release.split(separator: ".").prefix(2).map { Int($0.prefix { $0.isNumber }) ?? 0 }
        guard let major = numbers.first, let minor = numbers.last, numbers.count == 2 else { return false }
        return (major, minor) >= (6, 12)
    }
}

extension String {
    /// The text without the line end of a file in /proc.
    var trimmedLine: String { hasSuffix("\n") ? String(dropLast()) : self }
}

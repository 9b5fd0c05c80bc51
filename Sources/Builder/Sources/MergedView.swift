import Diagnostics
import Linux

/// Directories laid over each other, read-only.
package enum MergedView {
    /// Bytes of a mount's options, with the zero at their end and what `lowerdir=` takes.
    private static let pageOfOptions = 4096 - 16

    /// Opens directories laid over each other, the topmost first, to be looked at through the descriptor: no path leads
    /// there.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - scratch: a path that is free; used for a moment.
    ///   - empty: an empty directory, which is made where it is not there, and has to stay.
    package static func open(_ directories: [String], scratch: String, empty: String) throws -> SharedDescriptor {
        try Files.makeDirectory(scratch, mode: 0o700)
        defer { try? Files.removeDirectory(scratch) }
        try mount(directories, at: scratch, empty: empty)
        defer { try? Mounts.unmount(scratch, [.detach]) }
        return try Files.open(scratch, [.directory]).shared()
    }

    /// Mounts directories laid over each other, the topmost first, at a directory.
    ///
    /// Blocks.
    ///
    /// - Parameter empty: an empty directory, which is made where it is not there, and has to stay.
    package static func mount(_ directories: [String], at target: String, empty: String) throws {
        // Two are wanted at least, and what one directory alone hides would be seen.
        try Files.makeDirectories(empty, mode: 0o755)
        var opened: [SharedDescriptor] = []
        for directory in directories + [empty] {
            opened.append(try Files.open(directory, [.directory, .path]).shared())
        }
        // By descriptors no character of a path needs escaping, and one page of options has room for two hundred.
        let lower = opened.map { "/proc/self/fd/\($0.raw)" }.joined(separator: ":")
        guard lower.utf8.count < pageOfOptions else {
            throw BuildFailure(
                .invalid,
                Diagnostic(
                    code: BuildCode.invalid, summary: "\(directories.count) layers are too many for one image",
                    detail: "mount(2) takes the names of some 220 layers, and other engines fewer",
                    hint: "put steps together (`RUN a && b`, `COPY a b /to/`), or COPY --from a stage with all of them")
            )
        }
        try withExtendedLifetime(opened) {
            try Mounts.mount(
                source: "overlay", target: target, type: "overlay", flags: [.readOnly, .noDevices, .noSetUserID],
                data: "lowerdir=\(lower)")
        }
    }
}

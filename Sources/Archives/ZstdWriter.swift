import CZstd
import Linux

/// Writes a zstd stream of one frame to a file.
///
/// Source: zstd.h, "Streaming compression".
package final class ZstdWriter {
    private static let library = zstd_encoder_load()

    /// Whether libzstd is installed.
    package static var isAvailable: Bool { library.is_loaded != 0 }

    private let descriptor: SharedDescriptor
    private let context: OpaquePointer
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 64)

    /// - Parameters:
    ///   - descriptor: where the stream goes, from its position on.
    ///   - level: 1 for the fastest to 22 for the smallest; 0 is the library's own.
    /// - Throws: `ArchiveError.missingLibrary` where libzstd is not installed.
    package init(_ descriptor: SharedDescriptor, level: Int32 = 0) throws(ArchiveError) {
        guard Self.library.is_loaded != 0 else { throw .missingLibrary(format: "zstd", package: "libzstd1") }
        guard let made = withUnsafePointer(to: Self.library, { zstd_new_encoder($0, level) }) else {
            throw .interrupted("libzstd could not start: no memory")
        }
        self.descriptor = descriptor
        context = made
    }

    deinit {
        withUnsafePointer(to: Self.library) { zstd_free_encoder($0, context) }
        output.deallocate()
    }

    /// Compresses bytes.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        var input = zstd_input(bytes: bytes.baseAddress, size: bytes.count, position: 0)
        while input.position < input.size { _ = try run(&input, ends: false) }
    }

    /// Ends the stream.
    package func finish() throws(ArchiveError) {
        var input = zstd_input()
        while try run(&input, ends: true) > 0 {}
    }

    private func run(_ input: inout zstd_input, ends: Bool) throws(ArchiveError) -> Int {
        var result = zstd_output(bytes: output.baseAddress, size: output.count, position: 0)
        let left = withUnsafePointer(to: Self.library) { zstd_compress($0, context, &result, &input, ends ? 1 : 0) }
        if let reason = withUnsafePointer(to: Self.library, { zstd_encoder_error($0, left) }) {
            throw .interrupted("zstd failed to compress: \(String(cString: reason))")
        }
        do throws(SystemError) {
            try descriptor.writeAll(UnsafeRawBufferPointer(rebasing: output[..<result.position]))
        } catch {
            throw .system(error)
        }
        return left
    }
}

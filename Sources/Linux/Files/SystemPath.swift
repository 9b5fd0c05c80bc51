/// A path as callers have it: text, or the exact bytes a directory or an archive held.
package protocol SystemPath: Sendable {
    /// The bytes, without a final NUL.
    var pathBytes: [UInt8] { get }
}

extension String: SystemPath {
    package var pathBytes: [UInt8] { Array(utf8) }
}

extension Substring: SystemPath {
    package var pathBytes: [UInt8] { Array(utf8) }
}

extension [UInt8]: SystemPath {
    package var pathBytes: [UInt8] { self }
}

extension SystemPath {
    /// The path for people; bytes that are not UTF-8 are replaced.
    package var displayText: String { String(decoding: pathBytes, as: UTF8.self) }

    /// The path with its final NUL byte.
    ///
    /// A path that holds one itself is refused, since the kernel would see a shorter path.
    func terminated(for call: StaticString) throws(SystemError) -> [CChar] {
        let bytes = pathBytes
        if bytes.contains(0) { throw SystemError(call: call.description, errno: .EINVAL, subject: displayText) }
        return [CChar](unsafeUninitializedCapacity: bytes.count + 1) { buffer, count in
            UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes)
            buffer[bytes.count] = 0
            count = bytes.count + 1
        }
    }
}

/// Runs a call on a path; the error names the path.
func system<Answer: SignedInteger>(
    _ call: StaticString, path: some SystemPath, _ body: (UnsafePointer<CChar>) -> Answer
) throws(SystemError) -> Answer {
    let text = try path.terminated(for: call)
    return try system(call, path.displayText) {
        text.withUnsafeBufferPointer { buffer in
            // An array of at least the NUL always has an address.
            guard let base = buffer.baseAddress else { return -1 }
            return body(base)
        }
    }
}

import CLinux

/// Random bytes from the kernel.
package enum Random {
    /// `count` bytes fit for keys and identifiers.
    package static func bytes(_ count: Int) throws(SystemError) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while result.count < count {
            // The kernel answers requests up to 256 bytes whole.
            let part = min(256, count - result.count)
            let chunk = try Transfer.collect("getrandom", upTo: part) { linux_getrandom($0, $1, 0) }
            result.append(contentsOf: chunk)
        }
        return result
    }

    /// `bytes` random bytes as lower-case hexadecimal.
    package static func hex(bytes count: Int) throws(SystemError) -> String {
        let digits: [UInt8] = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in try bytes(count) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// An identifier as Docker's: 32 random bytes, 64 digits.
    package static func hexID() throws(SystemError) -> String {
        try hex(bytes: 32)
    }
}

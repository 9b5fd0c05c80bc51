import CISAL
import CZlib

/// What inflates the members of a gzip stream.
protocol GzipDecoder: AnyObject {
    /// Bytes of the input that were not used yet.
    var inputLeft: Int { get }
    /// The first of them.
    var nextByte: UInt8 { get }
    /// Whether a member has ended, with a right checksum.
    var isAtMemberEnd: Bool { get }

    /// Gives input, which stays where it is until it is used.
    func setInput(_ bytes: UnsafeRawBufferPointer)
    /// Passes over zeros at the start of the input.
    func skipZeros()
    /// Inflates as much as there is input and room, and gives how many bytes.
    ///
    /// - Throws: `GzipDamage`.
    func inflate(into buffer: UnsafeMutableRawBufferPointer) throws(GzipDamage) -> Int
    /// Makes ready for the next member.
    func reset()
}

/// Why a gzip stream cannot be inflated.
struct GzipDamage: Error {
    let reason: String
}

/// zlib's inflate.
///
/// Source: zlib.h, `inflateInit2` with gzip decoding.
final class ZlibDecoder: GzipDecoder {
    // Held by address: zlib keeps a pointer to it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private(set) var isAtMemberEnd = false

    init() throws(GzipDamage) {
        stream.initialize(to: z_stream())
        let gzipOnly = 16 + MAX_WBITS
        let status = inflateInit2_(stream, gzipOnly, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw GzipDamage(reason: "zlib could not start (\(status))") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    var inputLeft: Int { Int(stream.pointee.avail_in) }
    var nextByte: UInt8 { stream.pointee.next_in?.pointee ?? 0 }

    func setInput(_ bytes: UnsafeRawBufferPointer) {
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: Bytef.self))
        stream.pointee.avail_in = UInt32(bytes.count)
    }

    func skipZeros() {
        while stream.pointee.avail_in > 0, stream.pointee.next_in?.pointee == 0 {
            stream.pointee.next_in = stream.pointee.next_in?.successor()
            stream.pointee.avail_in -= 1
        }
    }

    func inflate(into buffer: UnsafeMutableRawBufferPointer) throws(GzipDamage) -> Int {
        stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = UInt32(clamping: buffer.count)
        let asked = stream.pointee.avail_out
        let status = CZlib.inflate(stream, Z_NO_FLUSH)
        switch status {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END: isAtMemberEnd = true
        default: throw GzipDamage(reason: stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(status)")
        }
        return Int(asked - stream.pointee.avail_out)
    }

    func reset() {
        inflateReset(stream)
        isAtMemberEnd = false
    }
}

/// ISA-L's inflate, twice as fast as zlib's.
final class ISALDecoder: GzipDecoder {
    private static let library = isal_library_load()
    private let state: UnsafeMutableRawPointer

    /// Whether the library is here and does what is expected of it.
    ///
    /// It is tried on a stream in two members, since its state is known by the places of its fields.
    static let isUsable: Bool = {
        guard library.is_loaded != 0 else { return false }
        // `printf hello | gzip -n`
        let hello: [UInt8] = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0,
        ]
        let twice = hello + hello
        return twice.withUnsafeBytes { input in
            guard let decoder = ISALDecoder() else { return false }
            decoder.setInput(input)
            var output = [UInt8](repeating: 0, count: 64)
            return output.withUnsafeMutableBytes { buffer in
                for _ in 0..<2 {
                    guard let count = try? decoder.inflate(into: buffer), decoder.isAtMemberEnd,
                        buffer.prefix(count).elementsEqual("hello".utf8)
                    else { return false }
                    decoder.reset()
                    if decoder.isAtMemberEnd { return false }
                }
                return decoder.inputLeft == 0
            }
        }
    }()

    /// Nil without memory.
    init?() {
        guard let made = withUnsafePointer(to: Self.library, { isal_new($0) }) else { return nil }
        state = made
    }

    deinit {
        isal_free(state)
    }

    var inputLeft: Int { Int(isal_input_left(state)) }
    var nextByte: UInt8 { inputLeft > 0 ? isal_next_byte(state) : 0 }
    var isAtMemberEnd: Bool { isal_is_finished(state) != 0 }

    func setInput(_ bytes: UnsafeRawBufferPointer) { isal_set_input(state, bytes.baseAddress, UInt32(bytes.count)) }

    func skipZeros() { isal_skip_zeros(state) }

    func inflate(into buffer: UnsafeMutableRawBufferPointer) throws(GzipDamage) -> Int {
        let count = withUnsafePointer(to: Self.library) {
            isal_run($0, state, buffer.baseAddress, UInt32(clamping: buffer.count))
        }
        guard count >= 0 else { throw GzipDamage(reason: Self.reason(count)) }
        return Int(count)
    }

    func reset() { withUnsafePointer(to: Self.library) { isal_reset($0, state) } }

    /// Source: igzip_lib.h, "Inflate return values".
    private static func reason(_ code: Int64) -> String {
        switch code {
        case -1: "invalid block type or lengths"
        case -2: "invalid code"
        case -3: "invalid distance too far back"
        case -4: "it is not gzip"
        case -5: "unsupported compression method"
        case -6: "incorrect data check"
        default: "ISA-L error \(code)"
        }
    }
}

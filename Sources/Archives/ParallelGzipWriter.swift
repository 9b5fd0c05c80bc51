import CZlib
import Linux

/// Writes a gzip stream to a file, several blocks of it being compressed at once.
///
/// Equal input gives equal bytes, however many threads there are: a block is compressed for itself, with the end of the
/// one before it as its dictionary, and ends at a whole byte. All blocks are one member, without a name and a time
/// (RFC 1952), as any decoder takes it.
package final class ParallelGzipWriter {
    private let descriptor: SharedDescriptor
    private let lanes: [Lane]
    /// The lane whose block is being filled.
    private var current = 0
    private var checksum = UInt(0)
    private var byteCount = 0
    private var hasBegun = false

    /// - Parameters:
    ///   - descriptor: where the stream goes, from its position on.
    ///   - level: 1 for the fastest to 9 for the smallest.
    ///   - threads: how many compress; nil is one for each processor, at most eight.
    package init(_ descriptor: SharedDescriptor, level: Int32 = 1, threads: Int? = nil) throws(ArchiveError) {
        self.descriptor = descriptor
        let count = max(1, threads ?? min(HostProcessors.count, 8))
        var lanes: [Lane] = []
        // One more than threads is filled or written meanwhile.
        for _ in 0...count { lanes.append(try Lane(level: level)) }
        self.lanes = lanes
    }

    /// Compresses bytes.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if lanes[current].isFull { try startNext() }
            rest = rest.dropFirst(lanes[current].fill(UnsafeRawBufferPointer(rebasing: rest)))
        }
    }

    /// Ends the stream.
    package func finish() throws(ArchiveError) {
        lanes[current].begin(isLast: true)
        // The oldest is the one behind the last.
        for offset in 1...lanes.count { try collect(lanes[(current + offset) % lanes.count]) }
        var trailer: [UInt8] = []
        trailer.append(little: UInt32(truncatingIfNeeded: checksum))
        trailer.append(little: UInt32(truncatingIfNeeded: byteCount))
        try write(trailer)
    }

    private func startNext() throws(ArchiveError) {
        let full = lanes[current]
        full.begin(isLast: false)
        current = (current + 1) % lanes.count
        try collect(lanes[current])
        lanes[current].start(behind: full)
    }

    /// Waits for a lane's block, if it has one, and writes it.
    private func collect(_ lane: Lane) throws(ArchiveError) {
        guard let block = try lane.finished() else { return }
        if !hasBegun {
            hasBegun = true
            // Deflate, no flags, no time, Unix.
            try write([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3])
        }
        checksum = crc32_combine(checksum, block.checksum, block.size)
        byteCount += block.size
        do throws(SystemError) {
            try descriptor.writeAll(block.bytes)
        } catch {
            throw .system(error)
        }
    }

    private func write(_ bytes: [UInt8]) throws(ArchiveError) {
        do throws(SystemError) {
            try descriptor.writeAll(bytes)
        } catch {
            throw .system(error)
        }
    }
}

/// One block at a time, compressed by a thread of its own.
private final class Lane {
    struct Block {
        var bytes: UnsafeRawBufferPointer
        var checksum: UInt
        /// Uncompressed bytes.
        var size: Int
    }

    /// What the thread works on.
    // SAFETY: between `begin` and the end of `finished` the thread alone changes the output and the result, and nobody
    // changes the input; the lane keeps all of them until then, and `Handover` orders what each of them sees.
    private struct Work: @unchecked Sendable {  // SAFETY: see above
        let stream: UnsafeMutablePointer<z_stream>
        let dictionary: UnsafeRawBufferPointer
        let input: UnsafeRawBufferPointer
        let output: UnsafeMutableRawBufferPointer
        let isLast: Bool
    }

    private struct Result: Sendable {
        var status: Int32
        var count: Int
        var checksum: UInt
    }

    private static let blockSize = 512 << 10
    /// What deflate looks back at most.
    private static let dictionarySize = 32 << 10

    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    /// The dictionary, and behind it the block.
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: dictionarySize + blockSize, alignment: 64)
    private let output: UnsafeMutableRawBufferPointer
    /// Nil where there is no room for one: the caller compresses.
    private let thread = try? DedicatedThread(name: "gzip")
    private let done = Handover<Result>(limit: 1)
    private var dictionaryCount = 0
    private var count = 0
    private var isBusy = false

    init(level: Int32) throws(ArchiveError) {
        stream.initialize(to: z_stream())
        let status = deflateInit2_(
            stream, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        // What a flush adds is little more than an empty block.
        let bound = Int(deflateBound(stream, UInt(Self.blockSize))) + 64
        output = .allocate(byteCount: bound, alignment: 64)
        guard status == Z_OK else { throw .interrupted("zlib could not start (\(status))") }
    }

    deinit {
        if isBusy { _ = done.take() }
        deflateEnd(stream)
        stream.deallocate()
        input.deallocate()
        output.deallocate()
    }

    var isFull: Bool { count == Self.blockSize }

    /// Takes as many bytes as there is room for, and says how many.
    func fill(_ bytes: UnsafeRawBufferPointer) -> Int {
        let taken = min(bytes.count, Self.blockSize - count)
        let place = UnsafeMutableRawBufferPointer(rebasing: input[(Self.dictionarySize + count)...])
        place.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(taken)))
        count += taken
        return taken
    }

    /// Begins a block behind another's, which is full.
    func start(behind other: Lane) {
        let tail = other.input[Self.blockSize...]
        input.copyMemory(from: UnsafeRawBufferPointer(rebasing: tail))
        dictionaryCount = Self.dictionarySize
    }

    /// Begins to compress what was filled in.
    func begin(isLast: Bool) {
        let work = Work(
            stream: stream,
            dictionary: UnsafeRawBufferPointer(
                rebasing: input[(Self.dictionarySize - dictionaryCount)..<Self.dictionarySize]),
            input: UnsafeRawBufferPointer(rebasing: input[Self.dictionarySize..<(Self.dictionarySize + count)]),
            output: output, isLast: isLast)
        isBusy = true
        guard let thread else {
            _ = done.put(Self.compress(work))
            return
        }
        thread.submit { [done] in _ = done.put(Self.compress(work)) }
    }

    /// Waits for the block that was begun; nil where none was.
    ///
    /// Its bytes stay until the next one is begun.
    func finished() throws(ArchiveError) -> Block? {
        guard isBusy, let result = done.take() else { return nil }
        isBusy = false
        guard result.status == Z_OK || result.status == Z_STREAM_END else {
            throw .interrupted("zlib failed to compress (\(result.status))")
        }
        defer { count = 0 }
        return Block(
            bytes: UnsafeRawBufferPointer(rebasing: output[..<result.count]), checksum: result.checksum, size: count)
    }

    private static func compress(_ work: Work) -> Result {
        let stream = work.stream
        func start(of bytes: UnsafeRawBufferPointer) -> UnsafeMutablePointer<Bytef>? {
            UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: Bytef.self))
        }
        var status = deflateReset(stream)
        if status == Z_OK, !work.dictionary.isEmpty {
            status = deflateSetDictionary(stream, start(of: work.dictionary), UInt32(work.dictionary.count))
        }
        guard status == Z_OK else { return Result(status: status, count: 0, checksum: 0) }
        stream.pointee.next_in = start(of: work.input)
        stream.pointee.avail_in = UInt32(work.input.count)
        stream.pointee.next_out = work.output.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = UInt32(work.output.count)
        status = deflate(stream, work.isLast ? Z_FINISH : Z_SYNC_FLUSH)
        // All went in, and all came out: there was room left.
        if stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0 { status = Z_BUF_ERROR }
        let checksum = crc32_z(0, start(of: work.input), work.input.count)
        return Result(
            status: status, count: work.output.count - Int(stream.pointee.avail_out), checksum: UInt(checksum))
    }
}

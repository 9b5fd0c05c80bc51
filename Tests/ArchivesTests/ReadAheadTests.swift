import Linux
import Synchronization
import Testing

@testable import Archives

@Suite("Reading ahead on another thread")
struct ReadAheadTests {
    /// Gives pieces of odd sizes, then ends or fails.
    private final class Pieces: ByteSource {
        let bytes: [UInt8]
        let failure: ArchiveError?
        var position = 0
        var reads = 0

        init(_ bytes: [UInt8], failure: ArchiveError? = nil) {
            self.bytes = bytes
            self.failure = failure
        }

        func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
            reads += 1
            let count = min(buffer.count, bytes.count - position, 1 + reads * 7919 % 90_000)
            if count == 0, let failure { throw failure }
            buffer.copyBytes(from: bytes[position..<position + count])
            position += count
            return count
        }
    }

    private let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }

    @Test("the bytes are the same, and the source is at its end afterwards")
    func whole() throws {
        let source = Pieces(bytes)
        let read = try source.readingAhead { ahead throws(ArchiveError) in try ahead.readAll(limit: 4_000_000) }
        #expect(read == bytes)
        #expect(source.position == bytes.count)
    }

    @Test("what the source throws comes behind the bytes before it, and again when asked again")
    func failure() throws {
        let source = Pieces(Array(bytes.prefix(500_000)), failure: .interrupted("gone"))
        let count = Mutex(0)
        try source.readingAhead { ahead throws(ArchiveError) in
            for _ in 0..<2 {
                let error = #expect(throws: ArchiveError.self) {
                    try ahead.forEachPiece { piece in count.withLock { $0 += piece.count } }
                }
                #expect(error?.description == "gone")
            }
        }
        #expect(count.withLock { $0 } == 500_000)
    }

    @Test("a reader that gives up leaves a source that nobody reads any more")
    func givenUp() throws {
        let source = Pieces(bytes)
        #expect(throws: ArchiveError.self) {
            try source.readingAhead { ahead throws(ArchiveError) in
                _ = try ahead.readAll(limit: 1000)
            }
        }
        let position = source.position
        let rest = try source.readAll(limit: 4_000_000)
        #expect(rest == Array(bytes[position...]))
    }
}

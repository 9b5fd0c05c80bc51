import Linux
import Synchronization
import Testing

@testable import Builder

@Suite("Output of steps")
struct StepOutputTests {
    /// What came out of a process that writes these bytes.
    private func shown(_ bytes: [UInt8]) async throws -> (out: [UInt8], notes: String) {
        let told = Mutex<(out: [UInt8], notes: [UInt8])>(([], []))
        let output = StepOutput { isError, piece in
            told.withLock { if isError { $0.notes += piece } else { $0.out += piece } }
        }
        let (reader, writer) = try Self.pipe()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await output.pass(reader, isError: false) }
            group.addTask {
                try await writer.writeAll(bytes)
                writer.close()
            }
            try await group.waitForAll()
        }
        await output.finish()
        return told.withLock { ($0.out, String(decoding: $0.notes, as: UTF8.self)) }
    }

    private static func pipe() throws -> (reader: AsyncDescriptor, writer: AsyncDescriptor) {
        let ends = try Pipe().separate()
        return (try AsyncDescriptor(try ends.reading.duplicate()), try AsyncDescriptor(try ends.writing.duplicate()))
    }

    @Test("what is not too much is passed on whole")
    func whole() async throws {
        let bytes = [UInt8](repeating: 0x61, count: 1 << 20)
        let shown = try await shown(bytes)
        #expect(shown.out == bytes && shown.notes.isEmpty)
    }

    @Test("of too much the beginning and the last lines are told, and how much was left out")
    func clipped() async throws {
        let line = Array("0123456789\n".utf8)
        var bytes: [UInt8] = []
        while bytes.count < StepOutput.limit + (1 << 20) { bytes += line }
        bytes += Array("the last\n".utf8)
        let shown = try await shown(bytes)
        #expect(shown.out.prefix(StepOutput.limit) == bytes.prefix(StepOutput.limit))
        let rest = String(decoding: shown.out.dropFirst(StepOutput.limit), as: UTF8.self)
        #expect(rest.hasPrefix("0123456789\n") && rest.hasSuffix("\nthe last\n"))
        #expect(shown.out.count <= StepOutput.limit + StepOutput.tail)
        #expect(shown.notes.contains("[output clipped: \(bytes.count - shown.out.count) bytes left out]"))
    }
}

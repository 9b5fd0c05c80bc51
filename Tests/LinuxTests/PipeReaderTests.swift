import Linux
import Testing

@Suite("Reading what a process wrote", .timeLimit(.minutes(5)))
struct PipeReaderTests {
    private func pipe() throws -> (reader: PipeReader, writer: SharedDescriptor) {
        let pipe = try Pipe().separate()
        return (PipeReader(try AsyncDescriptor(FileDescriptor.duplicating(pipe.reading.raw))), pipe.writing)
    }

    @Test("all that was written before the process ended is read, although another holds the pipe open")
    func drained() async throws {
        let (reader, writer) = try pipe()
        let sent = [UInt8](repeating: 7, count: 60_000)
        try FileDescriptor.duplicating(writer.raw).writeAll(sent)
        reader.writerEnded()
        var received: [UInt8] = []
        while let piece = try await reader.next(upTo: 1000) { received += piece }
        #expect(received == sent)
        withExtendedLifetime(writer) {}
    }

    @Test("who waits is woken by the end of the process")
    func woken() async throws {
        let (reader, writer) = try pipe()
        async let piece = reader.next()
        try await EventLoop.shared.sleep(for: .milliseconds(20))
        reader.writerEnded()
        #expect(try await piece == nil)
        withExtendedLifetime(writer) {}
    }

    @Test("a cancelled reader stops waiting")
    func cancelled() async throws {
        let (reader, writer) = try pipe()
        let task = Task { try await reader.next() }
        try await EventLoop.shared.sleep(for: .milliseconds(20))
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        withExtendedLifetime(writer) {}
    }
}

import HTTP
import Linux
import Synchronization

/// Archives in requests and answers.
///
/// An archive passes through a pipe: the connection is asynchronous, and whoever reads or writes archives blocks.
extension APIRequest {
    /// Gives the request's body to `use`, which reads it to its end, or drops it where it refuses it.
    func receive<Value: Sendable>(
        _ use: @Sendable (SharedDescriptor) async throws -> Value
    ) async throws -> Value {
        let (reading, writing) = try Self.pipeFromHere()
        async let sent: Void = Self.send(http.body, into: writing)
        let answer: Result<Value, any Error>
        do {
            answer = .success(try await Self.hand(reading, to: use))
        } catch {
            answer = .failure(error)
        }
        // A connection that was cut explains an archive that was.
        try await sent
        return try answer.get()
    }

    private static func pipeFromHere() throws -> (reading: HandedOver, writing: AsyncDescriptor) {
        let ends = try Pipe(size: 1 << 20).separate()
        return (HandedOver(try ends.reading.duplicate().shared()), try AsyncDescriptor(try ends.writing.duplicate()))
    }

    private static func pipeToHere() throws -> (reading: AsyncDescriptor, writing: HandedOver) {
        let ends = try Pipe(size: 1 << 20).separate()
        return (try AsyncDescriptor(try ends.reading.duplicate()), HandedOver(try ends.writing.duplicate().shared()))
    }

    private static func hand<Value: Sendable>(
        _ archive: HandedOver, to use: @Sendable (SharedDescriptor) async throws -> Value
    ) async throws -> Value {
        guard let archive = archive.take() else { throw SystemError(call: "pipe", errno: .EBADF, subject: "archive") }
        return try await use(archive)
    }

    private static func send(_ body: HTTPBody, into writing: AsyncDescriptor) async throws {
        defer { writing.close() }
        while let piece = try await body.next() {
            do {
                try await writing.writeAll(piece)
            } catch let error as SystemError where error.errno == .EPIPE {
                // Whoever reads the archive has refused it and says why.
                return
            }
        }
    }

    /// Reads what is left of the body: whoever sends hears the answer when all is sent.
    func drain() async throws {
        while let piece = try await http.body.next(), !piece.isEmpty {}
    }

    /// Answers with the archive that `write` writes into a pipe; it is ended where the client goes away.
    func respond(
        archive write: @escaping @Sendable (SharedDescriptor) async throws -> Void,
        headers: HTTPHeaders = ["Content-Type": "application/x-tar"]
    ) async throws {
        let (reading, writing) = try Self.pipeToHere()
        try await responder.begin(headers: headers)
        try await http.whileConnected {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    guard let archive = writing.take() else { return }
                    try await write(archive)
                }
                defer { reading.close() }
                while true {
                    let piece = try await reading.read(upTo: 256 << 10)
                    if piece.isEmpty { break }
                    try await responder.write(piece)
                }
                try await group.waitForAll()
            }
        }
        try await responder.finish()
    }
}

/// A descriptor that goes to one task, so that it is closed when that task is done with it.
private final class HandedOver: Sendable {
    private let descriptor: Mutex<SharedDescriptor?>

    init(_ descriptor: SharedDescriptor) {
        self.descriptor = Mutex(descriptor)
    }

    func take() -> SharedDescriptor? { descriptor.withLock { $0.take() } }
}

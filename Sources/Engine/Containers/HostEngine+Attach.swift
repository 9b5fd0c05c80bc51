import Linux
import Runtime

/// A client's hold on the next end of a container.
package final class AttachSession: Sendable {
    private let container: Container
    private let end: BackgroundWork.Handle
    let begun: @Sendable () async -> Void

    init(container: Container, end: BackgroundWork.Handle, begun: @escaping @Sendable () async -> Void) {
        self.container = container
        self.end = end
        self.begun = begun
    }

    /// Returns when the run that goes on, or else the next one, has ended.
    package var ended: @Sendable () async -> Void { { [end] in await end.wait() } }

    /// Lets the container go; it may be removed now.
    package func close() {
        end.cancel()
        container.change { $0.attachments -= 1 }
        container.notify(.detached)
    }
}

extension HostEngine {
    /// Where a container's log is.
    package func logPath(_ container: Container) -> String {
        configuration.containerDirectory(container.id) + "/log"
    }

    /// What log options say of a container, for `docker logs --details`.
    package func logDetails(_ container: Container) -> String {
        let facts = container.snapshot
        return LogDetails.text(facts.specification, id: container.id, name: facts.name, imageID: facts.imageID)
    }

    /// Holds a container for an attached client: its log is not removed before the client has read it.
    package func attach(_ container: Container) -> AttachSession {
        container.change { $0.attachments += 1 }
        let (isRemoved, changes) = container.observe(\.isRemoved)
        let end = work.spawn {
            if isRemoved { return }
            for await change in changes {
                switch change {
                case .exited(_, true), .removed: return
                default: break
                }
            }
        }
        let starts = container.observe { $0.state.isActive || $0.isRemoved }
        return AttachSession(container: container, end: end) {
            if starts.initial { return }
            for await change in starts.changes where change == .started || change == .removed { return }
        }
    }

    /// Waits until no client is attached, at most for some seconds.
    func waitUntilDetached(_ container: Container) async {
        let (count, changes) = container.observe(\.attachments)
        guard count > 0 else { return }
        try? await withTimeout(.seconds(10)) {
            for await change in changes where change == .detached {
                if container.snapshot.attachments <= 0 { return }
            }
        }
    }

    /// Copies a client's bytes to the container's stdin until the client's end.
    package func feed(_ container: Container, _ session: AttachSession, from source: any InputSource) async {
        await session.begun()
        guard let connection = container.connection, let input = try? await connection.openInput(),
            let sink = try? AsyncDescriptor(FileDescriptor.duplicating(input.raw))
        else { return }
        while let piece = try? await source.nextInput(), !piece.isEmpty {
            guard (try? await sink.writeAll(piece)) != nil else { break }
        }
        sink.close()
        // Input that was asked to outlive its client does; a terminal has no end of input.
        let specification = container.specification
        if specification.stdinOnce, !specification.tty { try? await connection.closeInput() }
    }

    /// Tells a container's terminal its size.
    package func resize(_ container: Container, _ size: TerminalSize) async throws {
        guard let connection = container.connection else { throw EngineError.notRunning(container.id) }
        guard container.specification.tty else { return }
        try await connection.resize(rows: Int(size.rows), columns: Int(size.columns))
        await publish("resize", container, ["height": "\(size.rows)", "width": "\(size.columns)"])
    }

    /// Tells that a client attached, or let go of a container that goes on.
    package func note(_ action: AttachAction, _ container: Container) async {
        await publish(action.rawValue, container)
    }
}

/// What a client does with a container's streams.
package enum AttachAction: String, Sendable { case attach, detach }

/// Where a client's input comes from.
package protocol InputSource: Sendable {
    /// The next bytes; empty at the end.
    func nextInput() async throws -> [UInt8]
}

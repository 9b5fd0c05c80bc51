import Linux
import Synchronization
import Testing

/// A program at a terminal of its own, as a user sits at it.
final class TerminalProgram: Sendable {
    let child: ChildProcess
    private let master: SharedDescriptor
    private let terminal: AsyncDescriptor
    private let shown = Mutex<[UInt8]>([])
    private let seen = Mutex(0)

    init(_ request: SpawnRequest, rows: UInt16 = 31, columns: UInt16 = 97) throws {
        let pair = try Terminal.openPTY(size: TerminalSize(rows: rows, columns: columns))
        let side = try pair.openSlave().shared()
        var request = request
        // Keys are signals, and changes of the size are told, in the session that has the terminal.
        request.executable = .path("/usr/bin/setsid")
        request.arguments = ["setsid", "--ctty"] + request.arguments
        for descriptor: Int32 in 0...2 { request.descriptors[descriptor] = side.raw }
        child = try Spawn.start(request)
        terminal = try AsyncDescriptor(try pair.master.duplicate())
        master = try pair.master.duplicate().shared()
    }

    /// All that it has shown.
    var text: String { shown.withLock { String(decoding: $0, as: UTF8.self) } }

    /// Waits until it has shown a text, after the one that was waited for before.
    func shows(_ text: String, at place: SourceLocation = #_sourceLocation) async throws {
        do {
            try await withTimeout(.seconds(90)) { while !self.found(text) { try await self.read() } }
        } catch {
            Issue.record("it never showed `\(text)` (\(error)), but:\n\(self.text)", sourceLocation: place)
            throw error
        }
    }

    /// Types a text; `\u{3}` is ctrl-c.
    func type(_ text: String) async throws { try await terminal.writeAll(Array(text.utf8)) }

    /// Gives the terminal another size.
    func resize(rows: UInt16, columns: UInt16) throws {
        try Terminal.setSize(master.raw, TerminalSize(rows: rows, columns: columns))
    }

    /// Waits for its end.
    func exitCode(at place: SourceLocation = #_sourceLocation) async throws -> Int32 {
        do {
            return try await withTimeout(.seconds(90)) {
                // What nobody reads would keep it from its end.
                while (try? await self.read()) != nil {}
                return try await self.child.exitStatus().code
            }
        } catch {
            Issue.record("it did not end (\(error)), and has shown:\n\(text)", sourceLocation: place)
            try child.send(9)
            throw error
        }
    }

    private func found(_ text: String) -> Bool {
        shown.withLock { shown in
            seen.withLock { seen in
                guard let range = shown[seen...].firstRange(of: Array(text.utf8)) else { return false }
                seen = range.upperBound
                return true
            }
        }
    }

    /// Takes what it shows next.
    ///
    /// - Throws: `EIO` once the program and all it started have let go of the terminal.
    private func read() async throws {
        let bytes = try await terminal.read()
        guard !bytes.isEmpty else { throw SystemError(call: "read", errno: .EIO, subject: "terminal") }
        shown.withLock { $0 += bytes }
    }
}

extension ComposeFolder {
    /// A verb of `stackctl compose` at a terminal.
    func terminal(_ arguments: String...) throws -> TerminalProgram {
        var request = lab.request(
            lab.programs + "/stackctl", ["compose"] + options + arguments, environment: environment)
        request.workingDirectory = folder
        return try TerminalProgram(request)
    }
}

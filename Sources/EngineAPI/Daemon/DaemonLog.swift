import JSONText
import Linux
import Synchronization

/// The daemon's log: one line for each thing that happened, for people or for programs.
package final class DaemonLog: Sendable {
    /// How much a line matters.
    package enum Level: Int, Sendable, Hashable, CaseIterable {
        case debug, info, warn, error

        /// The level of a name; Docker's `fatal` and `warning` count too.
        package init?(named text: String) {
            switch text.lowercased() {
            case "debug", "trace": self = .debug
            case "info": self = .info
            case "warn", "warning": self = .warn
            case "error", "fatal", "panic": self = .error
            default: return nil
            }
        }

        /// Its name.
        package var name: String { "\(self)" }
    }

    /// How a line is written.
    package enum Format: String, Sendable, Hashable { case text, json }

    private let state: Mutex<(level: Level, format: Format)>
    private let sink: @Sendable (String) -> Void

    /// A log.
    ///
    /// - Parameter sink: takes lines without their line feed.
    package init(
        level: Level = .info, format: Format = .text, sink: @escaping @Sendable (String) -> Void
    ) {
        state = Mutex((level, format))
        self.sink = sink
    }

    /// Changes what is written from now on.
    package func configure(level: Level, format: Format) { state.withLock { $0 = (level, format) } }

    /// Whether lines of a level are written.
    package func writes(_ level: Level) -> Bool { state.withLock { level.rawValue >= $0.level.rawValue } }

    /// Writes a line.
    package func write(_ level: Level, _ message: String, _ fields: [(name: String, value: String)] = []) {
        let (least, format) = state.withLock { $0 }
        guard level.rawValue >= least.rawValue else { return }
        let time = Clock.now().rfc3339
        switch format {
        case .text:
            let more = fields.map { " \($0.name)=\(Self.quoted($0.value))" }.joined()
            sink("\(time) \(level.name) \(Self.singleLine(message))\(more)")
        case .json:
            var object: JSONObject = [
                "time": .string(time), "level": .string(level.name), "msg": .string(message),
            ]
            for field in fields { object[field.name] = .string(field.value) }
            sink(JSONValue.object(object).serialized(.compact))
        }
    }

    /// What comes from outside must not begin a line of its own.
    private static func singleLine(_ text: String) -> String {
        String(text.map { $0.isNewline || ($0.unicodeScalars.first?.value ?? 32) < 32 ? " " : $0 })
    }

    private static func quoted(_ text: String) -> String {
        let plain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 < 0x7F }
        return plain ? text : JSONValue.string(text).serialized(.compact)
    }
}

/// A limit of one process.
///
/// Source: getrlimit(2).
package struct ResourceLimit: Sendable, Hashable {
    /// What is limited; the raw value is the kernel's number (`RLIMIT_*`).
    package enum Kind: UInt32, Sendable, Hashable, CaseIterable {
        case cpu = 0
        case fsize, data, stack, core, rss, nproc, nofile, memlock, `as`, locks, sigpending, msgqueue, nice, rtprio
        case rttime

        /// A kind by the name `ulimit` and Docker use (`nofile`), in any case, with or without `RLIMIT_`.
        package init?(named text: String) {
            var name = text.lowercased()
            if name.hasPrefix("rlimit_") { name.removeFirst(7) }
            guard let kind = Self.allCases.first(where: { "\($0)" == name }) else { return nil }
            self = kind
        }
    }

    /// What is limited.
    package var kind: Kind
    /// The limit in force; `UInt64.max` is none.
    package var soft: UInt64
    /// The limit up to which the process may raise it.
    package var hard: UInt64

    package init(_ kind: Kind, soft: UInt64, hard: UInt64) {
        self.kind = kind
        self.soft = soft
        self.hard = hard
    }
}

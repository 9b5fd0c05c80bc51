import Diagnostics

/// What makes a Debian image the same again: the date no file in it is newer than, and every package's version.
///
/// As text it is a list: `@date=<seconds since 1970>`, then `package=version` sorted. Who gives a lock that was made for
/// another request of the same suite adds `@request=changed`.
package struct DebianLock: Sendable, Hashable {
    /// Seconds since 1970: mmdebstrap's `SOURCE_DATE_EPOCH`.
    package var date: Int64
    /// Versions by package.
    package var packages: [String: String]
    /// Whether it was made for another list of packages or another variant: what it does not know may come too.
    package private(set) var requestChanged = false

    private static let dateKey = "@date"
    private static let requestKey = "@request"
    /// The line that says that the request is not the one the lock was made for.
    package static let changedRequest = requestKey + "=changed"

    package init(date: Int64, packages: [String: String]) {
        self.date = date
        self.packages = packages
    }

    /// Makes a lock of `package=version` texts, as `DpkgStatus` gives them.
    package init(date: Int64, installed: [String]) {
        self.date = date
        packages = [:]
        for text in installed {
            guard let (package, version) = Self.split(text) else { continue }
            packages[package] = version
        }
    }

    /// Reads a lock.
    ///
    /// - Throws: `Diagnostic`, with the line that is no `package=version`.
    package init(lines: [String]) throws(Diagnostic) {
        date = 0
        packages = [:]
        for line in lines {
            guard let (name, value) = Self.split(line) else {
                throw Diagnostic(
                    code: StoreCode.badDebianImage, summary: "`\(line)` of the lock is not `package=version`")
            }
            if name == Self.dateKey {
                guard let seconds = Int64(value), seconds >= 0 else {
                    throw Diagnostic(code: StoreCode.badDebianImage, summary: "`\(line)` of the lock is no date")
                }
                date = seconds
            } else if line == Self.changedRequest {
                requestChanged = true
            } else if name == Self.requestKey {
                throw Diagnostic(
                    code: StoreCode.badDebianImage, summary: "`\(line)` of the lock says nothing this version knows")
            } else {
                packages[name] = value
            }
        }
    }

    /// The lock as text.
    package var lines: [String] {
        ["\(Self.dateKey)=\(date)"] + packages.map { "\($0.key)=\($0.value)" }.sorted()
    }

    /// apt preferences that let only these versions in.
    ///
    /// Source: apt_preferences(5); a priority over 1000 wins over newer versions too.
    package var preferences: String {
        packages.sorted { $0.key < $1.key }.map { package, version in
            "Package: \(package)\nPin: version \(version)\nPin-Priority: 1001\n"
        }.joined(separator: "\n")
    }

    /// What differs in a system that was installed with these preferences; nil when nothing does.
    ///
    /// - Parameter requested: the packages that were asked for. One that the lock does not know was added to the list
    ///   since: it comes with what it needs, and the rest stays as it is locked. A locked package that was not
    ///   installed is no longer needed.
    package func difference(from installed: DebianLock, requested: [String]) -> Diagnostic? {
        var notes: [String] = []
        for (package, version) in packages.sorted(by: { $0.key < $1.key }) {
            guard let found = installed.packages[package], found != version else { continue }
            notes.append("\(package) is locked to \(version), available is \(found)")
        }
        let mayGrow = requestChanged || requested.contains { packages[$0] == nil }
        for (package, version) in installed.packages.sorted(by: { $0.key < $1.key })
        where packages[package] == nil && !mayGrow {
            notes.append("\(package)=\(version) is needed now and not in the lock")
        }
        guard let first = notes.first else { return nil }
        return Diagnostic(
            code: StoreCode.lockUnavailable, summary: "the locked Debian packages are no longer available: \(first)",
            detail: "the mirror has other versions than the lock names",
            hint: "`stackctl apply --upgrade` takes the versions the mirror has now; or name a snapshot as mirror",
            notes: notes)
    }

    private static func split(_ text: String) -> (name: String, value: String)? {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
        let value = text[text.index(after: equals)...]
        guard !value.isEmpty, !text.contains(where: { $0.isWhitespace }) else { return nil }
        return (String(text[..<equals]), String(value))
    }
}

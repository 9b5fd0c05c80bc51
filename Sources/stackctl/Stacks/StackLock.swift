import Diagnostics
import JSONText
import Linux
import StackModel

/// The file `Stack.lock` with the exact Debian packages of each image.
///
/// Users commit it, so that the next build is the same.
struct StackLock: Sendable, Equatable {
    /// One image's packages, `name=version` each, sorted.
    struct Entry: Sendable, Equatable {
        var suite: String
        var packages: [String]
    }

    /// Images by address.
    var images: [String: Entry] = [:]

    static let fileName = "Stack.lock"

    /// Reads the file of a folder; a folder without one has an empty lock.
    ///
    /// - Throws: a `Diagnostic` when the file is not what this version writes.
    static func read(folder: String) throws(Diagnostic) -> StackLock {
        let path = folder + "/" + fileName
        let bytes: [UInt8]
        do {
            guard Files.exists(path) else { return StackLock() }
            bytes = try Files.readAll(path, limit: 16 * 1024 * 1024)
        } catch {
            throw Diagnostic(code: "SC0150", summary: "\(path) cannot be read", detail: "\(error)")
        }
        return try StackLock(bytes: bytes, path: path)
    }

    init() {}

    /// Parses the file's content.
    init(bytes: [UInt8], path: String) throws(Diagnostic) {
        let value: JSONValue
        do {
            value = try JSONValue.parse(bytes)
        } catch {
            throw Diagnostic(
                code: "SC0151", summary: "\(path) is not JSON: \(error.reason)",
                hint: "restore it from version control, or delete it to take the newest packages",
                location: SourceLocation(file: path, line: error.line, column: error.column))
        }
        guard value["version"]?.intValue == 1, let entries = value["images"]?.objectValue else {
            throw Diagnostic(
                code: "SC0152", summary: "\(path) is not a lock file of version 1",
                hint: "a newer stackctl may have written it")
        }
        for (address, entry) in entries {
            let packages = (entry["packages"]?.arrayValue ?? []).compactMap(\.stringValue)
            images[address] = Entry(suite: entry["suite"]?.stringValue ?? "", packages: packages)
        }
    }

    /// The file's content: sorted, one package a line, so that a version's change is one line of a diff.
    var text: String {
        var members = JSONObject()
        for (address, entry) in images.sorted(by: { $0.key < $1.key }) {
            members[address] = [
                "packages": .array(entry.packages.map { .string($0) }), "suite": .string(entry.suite),
            ]
        }
        let value: JSONValue = ["images": .object(members), "version": 1]
        return value.serialized(.pretty) + "\n"
    }

    /// Pins the images of a document.
    ///
    /// An entry of another suite is not used.
    func applied(to document: JSONValue) -> JSONValue {
        StackLock.locking(document) { address, suite in
            images[address].flatMap { $0.suite == suite ? $0.packages : nil }
        }
    }

    /// The document with an empty lock for each Debian image, which asks for the newest packages.
    static func lifted(_ document: JSONValue) -> JSONValue { locking(document) { _, _ in [] } }

    private static func locking(
        _ document: JSONValue, packages: (_ address: String, _ suite: String?) -> [String]?
    ) -> JSONValue {
        guard var root = document.objectValue, let resources = root["resources"]?.arrayValue else { return document }
        root["resources"] = .array(
            resources.map { resource in
                guard var object = resource.objectValue, let address = object["address"]?.stringValue,
                    var attributes = object["attributes"]?.objectValue, var source = attributes["from"]?.objectValue,
                    var debian = source["debian"]?.objectValue,
                    let lock = packages(address, debian["suite"]?.stringValue)
                else { return resource }
                debian["lock"] = .array(lock.map { .string($0) })
                source["debian"] = .object(debian)
                attributes["from"] = .object(source)
                object["attributes"] = .object(attributes)
                return .object(object)
            })
        return .object(root)
    }

    /// The lock after an apply: what the daemon reports of each Debian image of the document.
    static func from(shown stack: JSONValue, document: StackDocument) -> StackLock {
        var lock = StackLock()
        for resource in stack["resources"]?.arrayValue ?? [] {
            guard let address = resource["address"]?.stringValue,
                let packages = resource["outputs"]?["packages"]?.arrayValue?.compactMap(\.stringValue),
                let declared = ResourceAddress(address).flatMap({ document.resource($0) }),
                let suite = declared.attributes["from"]?["debian"]?["suite"]?.stringValue
            else { continue }
            lock.images[address] = Entry(suite: suite, packages: packages)
        }
        return lock
    }

    /// Writes the file when it would change; a stack without Debian images has none.
    ///
    /// - Returns: whether it was written.
    func write(folder: String) throws(Diagnostic) -> Bool {
        let path = folder + "/" + StackLock.fileName
        guard !images.isEmpty else { return false }
        let bytes = Array(text.utf8)
        if let present = try? Files.readAll(path, limit: 16 * 1024 * 1024), present == bytes { return false }
        do {
            try Files.writeAtomically(path, bytes, mode: 0o644)
        } catch {
            throw Diagnostic(
                severity: .warning, code: "SC0153", summary: "\(path) cannot be written", detail: "\(error)",
                hint: "without it the next build takes the newest packages")
        }
        return true
    }
}

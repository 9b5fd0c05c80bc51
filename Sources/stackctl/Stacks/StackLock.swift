import Apply
import Diagnostics
import JSONText
import Linux
import OCI
import Providers
import StackModel

/// The file `Stack.lock`: for each Debian image what was asked for, and the exact packages that came of it; for each
/// image tag the digest it meant.
///
/// Users commit it, so that the next build is the same.
struct StackLock: Sendable, Equatable {
    /// One image's packages, `name=version` each, sorted.
    struct Entry: Sendable, Equatable {
        var request: Request
        var packages: [String]
    }

    /// What a manifest asks for.
    struct Request: Sendable, Equatable {
        var suite: String
        /// Sorted; nil where the file does not say.
        var packages: [String]?
        var variant: String?
        var mirror: String?
    }

    /// A document with its images pinned, and what is to be said about it.
    struct Pinned: Sendable {
        var document: JSONValue
        var notes: [Diagnostic]
    }

    /// Images by address.
    var images: [String: Entry] = [:]
    /// Digests by image tag, as the manifest writes it.
    var tags: [String: String] = [:]

    static let fileName = "Stack.lock"
    private static let sizeLimit = 16 * 1024 * 1024

    /// Reads the file of a folder; a folder without one has an empty lock.
    ///
    /// - Throws: a `Diagnostic` when the file is not what this version writes.
    static func read(folder: String) throws(Diagnostic) -> StackLock {
        let path = folder + "/" + fileName
        let bytes: [UInt8]
        do {
            guard Files.exists(path) else { return StackLock() }
            bytes = try Files.readAll(path, limit: sizeLimit)
        } catch {
            throw Diagnostic(
                code: "SC0150", summary: "\(path) cannot be read", detail: "\(error)",
                hint: "make it readable, or move it away to take the newest packages")
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
                hint: "a newer stackctl may have written it: use that one, or restore the file from version control")
        }
        for (address, entry) in entries {
            images[address] = Entry(
                request: Request(entry, packagesKey: "requested"), packages: entry["packages"]?.strings ?? [])
        }
        for (tag, text) in value["tags"]?.objectValue?.strings ?? [:] {
            guard let digest = Digest(text) else {
                throw Diagnostic(
                    code: "SC0156", summary: "`\(text)` of \(tag) in \(path) is not a digest",
                    hint: "restore the file from version control, or delete the line: the registry is asked again")
            }
            tags[tag] = digest.description
        }
    }

    /// The file's content: sorted, one package a line, so that a version's change is one line of a diff.
    var text: String {
        var members = JSONObject()
        for (address, entry) in images.sorted(by: { $0.key < $1.key }) { members[address] = .object(entry.json) }
        var file: JSONObject = ["images": .object(members)]
        if !tags.isEmpty { file["tags"] = .object(.strings(tags)) }
        file["version"] = 1
        return JSONValue.object(file).serialized(.pretty) + "\n"
    }

    /// Pins the images of a document.
    ///
    /// An entry of another suite is not used. One of other packages or another variant holds what it knows, and lets in
    /// what is new. One of another mirror holds as it is: mirrors have the same packages.
    func applied(to document: JSONValue) -> Pinned {
        var notes: [Diagnostic] = []
        let pinned = StackLock.locking(document) { address, debian in
            guard let entry = images[address] else { return nil }
            let asked = Request(debian, packagesKey: "packages")
            notes += entry.request.differences(from: asked).map { Self.note(address, $0) }
            guard entry.request.suite == asked.suite else { return nil }
            return entry.request.isAnswered(by: asked) ? entry.packages : entry.packages + [ImageLock.changedRequest]
        }
        return Pinned(document: pinned, notes: notes)
    }

    private static func note(_ address: String, _ detail: String) -> Diagnostic {
        Diagnostic(
            severity: .note, code: "SC0154", summary: "\(fileName) was made for another request", detail: detail,
            hint: "`--upgrade` takes what the mirror has today", address: address)
    }

    /// The document with an empty lock for each Debian image, which asks for the newest packages.
    static func lifted(_ document: JSONValue) -> JSONValue { locking(document) { _, _ in [] } }

    /// Whether a plan has an image that a lock is written for.
    static func isNeeded(by plan: SavedPlan) -> Bool {
        !plan.tags.isEmpty || plan.document?.resources.contains { $0.attributes["from"]?["debian"] != nil } ?? false
    }

    private static func locking(
        _ document: JSONValue, packages: (_ address: String, _ debian: JSONValue) -> [String]?
    ) -> JSONValue {
        guard var root = document.objectValue, let resources = root["resources"]?.arrayValue else { return document }
        root["resources"] = .array(
            resources.map { resource in
                guard var object = resource.objectValue, let address = object["address"]?.stringValue,
                    var attributes = object["attributes"]?.objectValue, var source = attributes["from"]?.objectValue,
                    var debian = source["debian"]?.objectValue,
                    let lock = packages(address, .object(debian))
                else { return resource }
                debian["lock"] = .array(lock.map { .string($0) })
                source["debian"] = .object(debian)
                attributes["from"] = .object(source)
                object["attributes"] = .object(attributes)
                return .object(object)
            })
        return .object(root)
    }

    /// The lock after an apply: what the daemon reports of each Debian image of the document, and the plan's tags.
    static func from(shown stack: JSONValue, document: StackDocument, tags: [String: String]) -> StackLock {
        var lock = StackLock()
        lock.tags = tags
        for resource in stack["resources"]?.arrayValue ?? [] {
            guard let address = resource["address"]?.stringValue,
                let packages = resource["outputs"]?["packages"]?.strings,
                let declared = ResourceAddress(address).flatMap({ document.resource($0) }),
                let debian = declared.attributes["from"]?["debian"]
            else { continue }
            lock.images[address] = Entry(request: Request(debian, packagesKey: "packages"), packages: packages)
        }
        return lock
    }

    /// Writes the file when it would change; a stack with nothing to lock has none.
    ///
    /// - Returns: whether it was written.
    func write(folder: String) throws(Diagnostic) -> Bool {
        let path = folder + "/" + StackLock.fileName
        guard !images.isEmpty || !tags.isEmpty else { return false }
        let bytes = Array(text.utf8)
        if let present = try? Files.readAll(path, limit: Self.sizeLimit), present == bytes { return false }
        do {
            try Files.writeAtomically(path, bytes, mode: 0o644)
        } catch {
            throw Diagnostic(
                severity: .warning, code: "SC0153", summary: "\(path) cannot be written", detail: "\(error)",
                hint: "without it the next build takes the newest packages and images")
        }
        return true
    }
}

extension StackLock.Entry {
    /// The entry as the file has it; members come in the order of their names.
    fileprivate var json: JSONObject {
        var object = JSONObject()
        if let mirror = request.mirror { object["mirror"] = .string(mirror) }
        object["packages"] = .array(packages.map { .string($0) })
        if let requested = request.packages { object["requested"] = .array(requested.map { .string($0) }) }
        object["suite"] = .string(request.suite)
        if let variant = request.variant { object["variant"] = .string(variant) }
        return object
    }
}

extension StackLock.Request {
    /// Reads a request; its packages are a list under `packagesKey`.
    fileprivate init(_ value: JSONValue, packagesKey: String) {
        suite = value["suite"]?.stringValue ?? ""
        packages = value[packagesKey]?.strings.map { Array(Set($0)).sorted() }
        variant = value["variant"]?.stringValue
        mirror = value["mirror"]?.stringValue
    }

    /// Whether nothing differs that decides which packages there are; a file that names none is taken at its word.
    fileprivate func isAnswered(by asked: Self) -> Bool {
        packages == nil || packages == asked.packages && variant == asked.variant
    }

    /// What differs in a manifest's request, a sentence each.
    fileprivate func differences(from asked: Self) -> [String] {
        if suite != asked.suite {
            return ["It is of suite \(suite), the manifest asks for \(asked.suite): it is not used."]
        }
        guard let packages else { return [] }
        var found: [String] = []
        let wanted = Set(asked.packages ?? [])
        let added = wanted.subtracting(packages).sorted()
        let removed = Set(packages).subtracting(wanted).sorted()
        if !added.isEmpty {
            found.append("Not in it: \(added.joined(separator: ", ")). What is in it keeps its version.")
        }
        if !removed.isEmpty { found.append("No longer asked for: \(removed.joined(separator: ", ")).") }
        if variant != asked.variant {
            found.append(
                "It is of variant \(variant ?? "essential"), the manifest asks for \(asked.variant ?? "essential"). "
                    + "What is in it keeps its version.")
        }
        if mirror != asked.mirror {
            found.append(
                "It was made from \(mirror ?? "the host's own mirror"), the manifest names "
                    + "\(asked.mirror ?? "none"). The versions in it are kept.")
        }
        return found
    }
}

extension JSONValue {
    /// The strings of a list; nil for anything else.
    fileprivate var strings: [String]? { arrayValue?.compactMap(\.stringValue) }
}

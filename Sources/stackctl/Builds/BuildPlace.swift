import Diagnostics
import Linux

/// `--secret`, `--output`, `--cache-from` and others: words with commas between, `key=value` each.
enum BuildPlace {
    /// The values of `type=registry,ref=…` by their keys, which are in lower case.
    static func fields(_ text: String) throws(Reason) -> [String: String] {
        var fields: [String: String] = [:]
        for field in try CommaSeparated.fields(text) {
            let (key, value) = CommaSeparated.cut(field)
            guard let value else {
                throw Reason("invalid field '\(field)' must be a key=value pair")
            }
            fields[key.lowercased()] = value
        }
        return fields
    }
}

/// A secret: where the calling user has it.
struct BuildSecret: Sendable, Equatable {
    enum Source: Sendable, Equatable {
        case file(String)
        case variable(String)
        /// The variable of that name or, where there is none, the file.
        case either(String)
    }

    let id: String
    let source: Source

    /// Bytes of a secret, as BuildKit allows.
    private static let longest = 500 << 10

    /// Reads `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`.
    ///
    /// Source: docker/buildx, `util/buildflags/secrets.go`; moby/buildkit, `session/secrets/secretsprovider`.
    init(_ text: String) throws(Reason) {
        let fields = try BuildPlace.fields(text)
        let known = ["id", "src", "source", "env", "type"]
        if let odd = fields.keys.sorted().first(where: { !known.contains($0) }) {
            throw Reason("unexpected key '\(odd)' in '\(text)'", hint: "write id=NAME,src=FILE or id=NAME,env=VARIABLE")
        }
        guard let id = fields["id"], !id.isEmpty else {
            throw Reason("secret is missing its id", hint: "write id=NAME,src=FILE or id=NAME,env=VARIABLE")
        }
        let type = fields["type"] ?? ""
        guard ["", "file", "env"].contains(type) else { throw Reason("unsupported secret type \"\(type)\"") }
        self.id = id
        if let variable = fields["env"] {
            source = .variable(variable)
        } else if let path = fields["src"] ?? fields["source"] {
            source = type == "env" ? .variable(path) : .file(path)
        } else {
            source = type == "env" ? .variable(id) : type == "file" ? .file(id) : .either(id)
        }
    }

    /// The secret itself; blocking.
    func read(_ environment: (String) -> String?) throws(Reason) -> [UInt8] {
        switch source {
        case .variable(let name):
            guard let value = environment(name) else {
                throw Reason("secret \(id): the variable \(name) is not set")
            }
            return try checked(Array(value.utf8))
        case .either(let name):
            if let value = environment(name) { return try checked(Array(value.utf8)) }
            return try file(name)
        case .file(let path): return try file(path)
        }
    }

    private func file(_ path: String) throws(Reason) -> [UInt8] {
        do {
            return try Files.readAll(path, limit: Self.longest)
        } catch let error where error.errno == .EFBIG {
            throw Reason("secret \(id) too big. max size 500KB")
        } catch {
            throw Reason("secret \(id) cannot be read: \(error)")
        }
    }

    private func checked(_ bytes: [UInt8]) throws(Reason) -> [UInt8] {
        guard bytes.count <= Self.longest else { throw Reason("secret \(id) too big. max size 500KB") }
        return bytes
    }
}

/// An ssh agent: the socket the calling user has it at.
struct BuildAgent: Sendable, Equatable {
    let id: String
    /// Nil is that of `SSH_AUTH_SOCK`.
    let socket: String?

    /// Reads `default`, `NAME`, `NAME=SOCKET`.
    init(_ text: String) throws(Reason) {
        let (id, path) = CommaSeparated.cut(text)
        guard !id.isEmpty else { throw Reason("an agent needs a name", hint: "write --ssh default") }
        self.id = id
        socket = path
    }

    /// The socket's path.
    ///
    /// Blocking.
    func path(_ environment: (String) -> String?) throws(Reason) -> String {
        guard let path = socket ?? environment("SSH_AUTH_SOCK"), !path.isEmpty else {
            throw Reason("invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set")
        }
        guard let status = try? Files.status(path) else { throw Reason("there is no agent at \(path)") }
        guard status.kind == .socket else {
            throw Reason(
                "\(path) is no agent's socket: keys are not read from files here",
                hint: "add the key to an agent: eval $(ssh-agent); ssh-add \(path)")
        }
        return path
    }
}

/// Where a result goes.
enum BuildDestination: Sendable, Equatable {
    case store
    /// The store, then the registries of the names.
    case push(names: [String])
    /// The store, under these names too.
    case named([String])
    /// A directory that gets the files.
    case directory(String)
    /// A tar of the files; nil is standard output.
    case tar(String?)
    /// An archive as `docker save` writes it; nil is standard output.
    case dockerArchive(String?)
    /// An OCI layout in a tar; nil is standard output.
    case ociArchive(String?)

    /// Reads `DIRECTORY`, `-`, `type=…,dest=…`.
    ///
    /// Source: docker/buildx, `util/buildflags/export.go`.
    init(_ text: String) throws(Reason) {
        guard text.contains("=") else {
            self = text == "-" ? .tar(nil) : .directory(text)
            return
        }
        let fields = try BuildPlace.fields(text)
        let destination = fields["dest"] ?? fields["destination"]
        let path = destination == "-" ? nil : destination
        let names = (fields["name"] ?? "").split(separator: ",").map { String($0) }
        switch fields["type"] ?? "" {
        case "local":
            guard let path else { throw Reason("dest is required for local output", hint: "type=local,dest=DIRECTORY") }
            self = .directory(path)
        case "tar": self = .tar(path)
        case "oci": self = .ociArchive(path)
        case "docker": self = destination == nil ? .named(names) : .dockerArchive(path)
        case "registry": self = .push(names: names)
        case "image":
            let isPushed = ["1", "true"].contains(fields["push"] ?? "false")
            self = isPushed ? .push(names: names) : .named(names)
        case "": throw Reason("type is required for output", hint: "type=local,dest=DIRECTORY")
        case let type:
            throw Reason(
                "unknown output type \"\(type)\"", hint: "local, tar, docker, oci, image and registry are known")
        }
    }

    /// The words of an archive in a request; nil for what stays in the store.
    var archive: String? {
        switch self {
        case .store, .push, .named: nil
        case .directory, .tar: "tar"
        case .dockerArchive: "docker"
        case .ociArchive: "oci"
        }
    }
}

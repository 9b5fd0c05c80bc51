import Archives
import Diagnostics
import HTTP
import JSONText
import Linux

/// The contexts of the user: names for daemons.
///
/// Ours are in `$STACKCTL_CONFIG`, else `$XDG_CONFIG_HOME/stackctl`, else `~/.config/stackctl`; Docker's are read too,
/// and never written. Both have the form of Docker's store: `contexts/meta/<sha256 of the name>/meta.json` and
/// `contexts/tls/<sha256 of the name>/docker/{ca,cert,key}.pem`.
struct ContextStore: Sendable {
    /// The name that means no context.
    static let defaultName = "default"

    /// Our folder.
    let folder: String
    /// Docker's folder.
    let dockerFolder: String?

    static let homeless = Diagnostic(
        code: "SC0165", summary: "there is no home to keep contexts in", detail: "HOME is not set",
        hint: "set STACKCTL_CONFIG to a folder")

    /// The store of the user; nil without a home.
    init?(environment: [String: String]) {
        func given(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let home = given("HOME")
        guard
            let folder = given("STACKCTL_CONFIG") ?? given("XDG_CONFIG_HOME").map({ $0 + "/stackctl" })
                ?? home.map({ $0 + "/.config/stackctl" })
        else { return nil }
        self.folder = folder
        dockerFolder = given("DOCKER_CONFIG") ?? home.map { $0 + "/.docker" }
    }

    /// One context.
    struct Context: Sendable, Equatable {
        var name: String
        var description = ""
        var host: String
        var skipsVerification = false
        /// The folder with `ca.pem`, `cert.pem` and `key.pem`, as far as they are there.
        var tlsFolder: String?
        /// Whether it is Docker's, and so not ours to change.
        var isDockers = false

        /// Where its daemon is.
        func endpoint(workingDirectory: String) throws(Diagnostic) -> DaemonEndpoint {
            try DaemonEndpoint(host, tls: tls, workingDirectory: workingDirectory)
        }

        private var tls: TLSClientConfiguration? {
            guard let tlsFolder else { return nil }
            func file(_ name: String) -> String? {
                Files.exists("\(tlsFolder)/\(name)") ? "\(tlsFolder)/\(name)" : nil
            }
            var configuration = TLSClientConfiguration(
                authority: file("ca.pem"), certificate: file("cert.pem"), key: file("key.pem"))
            configuration.verifiesServer = !skipsVerification
            return configuration
        }

        /// What `meta.json` says.
        var metadata: JSONValue {
            [
                "Name": .string(name), "Metadata": ["Description": .string(description)],
                "Endpoints": ["docker": ["Host": .string(host), "SkipTLSVerify": .bool(skipsVerification)]],
            ]
        }

        init(name: String, description: String = "", host: String, skipsVerification: Bool = false) {
            self.name = name
            self.description = description
            self.host = host
            self.skipsVerification = skipsVerification
        }

        /// Reads `meta.json`; nil for what names no daemon.
        init?(metadata: JSONValue) {
            guard let name = metadata["Name"]?.stringValue, let docker = metadata["Endpoints"]?["docker"] else {
                return nil
            }
            self.name = name
            description = metadata["Metadata"]?["Description"]?.stringValue ?? ""
            host = docker["Host"]?.stringValue ?? ""
            skipsVerification = docker["SkipTLSVerify"]?.boolValue ?? false
        }
    }

    private static func identifier(of name: String) -> String { SHA256.hex(of: Array(name.utf8)) }

    private func metadataFolder(_ name: String) -> String {
        "\(folder)/contexts/meta/\(ContextStore.identifier(of: name))"
    }

    private func tlsFolder(_ name: String) -> String { "\(folder)/contexts/tls/\(ContextStore.identifier(of: name))" }

    // MARK: Reading

    /// Every context, ours first where both have the name, by name.
    var all: [Context] {
        var byName: [String: Context] = [:]
        if let dockerFolder {
            for context in contexts(in: dockerFolder, areDockers: true) { byName[context.name] = context }
        }
        for context in contexts(in: folder, areDockers: false) { byName[context.name] = context }
        return byName.values.sorted { $0.name < $1.name }
    }

    private func contexts(in folder: String, areDockers: Bool) -> [Context] {
        let entries = (try? Files.list("\(folder)/contexts/meta")) ?? []
        return entries.compactMap { entry in
            guard let text = try? Files.readText("\(folder)/contexts/meta/\(entry.name)/meta.json", limit: 1 << 20),
                let value = try? JSONValue.parse(text), var context = Context(metadata: value)
            else { return nil }
            let tls = "\(folder)/contexts/tls/\(entry.name)/docker"
            context.tlsFolder = Files.exists(tls) ? tls : nil
            context.isDockers = areDockers
            return context
        }
    }

    /// The context of a name.
    ///
    /// - Throws: a `Diagnostic` (SC0166) where there is none.
    func find(_ name: String) throws(Diagnostic) -> Context {
        let all = all
        guard let context = all.first(where: { $0.name == name }) else {
            throw Diagnostic(
                code: "SC0166", summary: "context \"\(name)\" does not exist",
                hint: nearest(name, among: all.map(\.name)).map { "did you mean `\($0)`?" }
                    ?? "`stackctl context ls` lists what there is")
        }
        return context
    }

    /// The context that `context use` chose; nil for none.
    ///
    /// Docker's own choice is not followed: it is about another program.
    var current: String? {
        guard let text = try? Files.readText("\(folder)/config.json", limit: 1 << 20) else { return nil }
        return (try? JSONValue.parse(text))?["currentContext"]?.stringValue
    }

    // MARK: Writing

    /// Chooses a context; nil for none.
    func use(_ name: String?) throws(SystemError) {
        let path = "\(folder)/config.json"
        let old = (try? Files.readText(path, limit: 1 << 20)).flatMap { try? JSONValue.parse($0) }?.objectValue
        var content = old ?? [:]
        content["currentContext"] = name.map { .string($0) }
        try Files.makeDirectories(folder, mode: 0o700)
        try Files.writeAtomically(path, Array(JSONValue.object(content).serialized(.pretty).utf8))
    }

    /// Writes a context, with the files of TLS by name, such as `ca.pem`; nil leaves those that there are.
    func write(_ context: Context, tls: [String: [UInt8]]?) throws(SystemError) {
        let folder = metadataFolder(context.name)
        try Files.makeDirectories(folder, mode: 0o700)
        if let tls {
            let tlsFolder = tlsFolder(context.name)
            if Files.exists(tlsFolder) { try Files.removeTree(tlsFolder) }
            if !tls.isEmpty { try Files.makeDirectories("\(tlsFolder)/docker", mode: 0o700) }
            for (name, content) in tls { try Files.write("\(tlsFolder)/docker/\(name)", content, mode: 0o600) }
        }
        try Files.writeAtomically("\(folder)/meta.json", Array(context.metadata.serialized(.compact).utf8))
    }

    /// Removes a context of ours.
    func remove(_ name: String) throws(SystemError) {
        for path in [metadataFolder(name), tlsFolder(name)] where Files.exists(path) { try Files.removeTree(path) }
    }

    /// The files of TLS of a context, by name.
    func tlsFiles(of context: Context) throws(SystemError) -> [String: [UInt8]] {
        guard let folder = context.tlsFolder else { return [:] }
        var files: [String: [UInt8]] = [:]
        for name in ["ca.pem", "cert.pem", "key.pem"] where Files.exists("\(folder)/\(name)") {
            files[name] = try Files.readAll("\(folder)/\(name)", limit: 1 << 20)
        }
        return files
    }
}

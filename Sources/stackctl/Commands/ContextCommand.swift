import Archives
import Diagnostics
import HTTP
import JSONText
import Linux

/// `stackctl context …`: names for daemons here and elsewhere.
enum ContextCommand {
    private static let contexts = OperandDeclaration(
        "CONTEXT", .oneOrMore, "Names of contexts", completion: .names(.contexts))
    private static let context = OperandDeclaration("CONTEXT", "Name of a context", completion: .names(.contexts))
    private static let description = OptionDeclaration.value("description", nil, .text("TEXT"), "What it is for")
    private static let endpoint = OptionDeclaration.value(
        "docker", nil, .text("KEY=VALUE,…"), "The daemon: host=…, ca=FILE, cert=FILE, key=FILE, skip-tls-verify, from=…"
    )
    private static let from = OptionDeclaration.value(
        "from", nil, .text("CONTEXT"), "Take over the daemon of another context"
    ).offering(.contexts)
    private static let force = OptionDeclaration.flag("force", "f", "Also the one in use")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the names")

    static let declaration = CommandDeclaration(
        "context", summary: "Give daemons here and elsewhere names",
        discussion: """
            Contexts are kept in ~/.config/stackctl; those of Docker can be used too, and are
            never changed. The one in use is the daemon of every command without --host.
            """,
        subcommands: [
            CommandDeclaration(
                "ls", aliases: ["list"], summary: "List contexts", options: [ListFormat.option, quiet], action: list),
            CommandDeclaration("show", summary: "Print the name of the context in use", action: show),
            CommandDeclaration("use", summary: "Use a context from now on", operands: [context], action: use),
            CommandDeclaration(
                "create", summary: "Make a context", operands: [OperandDeclaration("NAME", "Its name")],
                options: [description, endpoint, from], action: create),
            CommandDeclaration(
                "update", summary: "Change a context", operands: [context], options: [description, endpoint],
                action: update),
            CommandDeclaration(
                "inspect", summary: "Show everything about contexts, as JSON",
                operands: [
                    OperandDeclaration(
                        "CONTEXT", .any, "Names (default: the one in use)", completion: .names(.contexts))
                ],
                options: [InspectCommand.format], action: inspect),
            CommandDeclaration(
                "export", summary: "Write a context to an archive",
                operands: [
                    context,
                    OperandDeclaration("FILE", .optional, "The archive; - is standard output", completion: .path),
                ],
                action: export),
            CommandDeclaration(
                "import", summary: "Make a context of an archive",
                operands: [
                    OperandDeclaration("NAME", "Its name"),
                    OperandDeclaration("FILE", .one, "The archive; - is standard input", completion: .path),
                ],
                action: load),
            CommandDeclaration(
                "rm", aliases: ["remove"], summary: "Remove contexts", operands: [contexts], options: [force],
                action: remove),
        ])

    private static let fields = [
        ListFormat.Field("Name", "NAME"), .init("Description", "DESCRIPTION"),
        .init("DockerEndpoint", "DOCKER ENDPOINT"), .init("Current", "CURRENT"), .init("Error", "ERROR"),
        .init("Mark", ""),
    ]

    private static func store() throws(Diagnostic) -> ContextStore {
        guard let store = ContextStore(environment: Environment.all) else { throw ContextStore.homeless }
        return store
    }

    /// The name of the context that commands take now.
    private static func current(_ invocation: Invocation) throws(Diagnostic) -> String {
        let choice = EndpointChoice(
            arguments: invocation.arguments, environment: Environment.all, workingDirectory: "/")
        return try choice.contextName ?? ContextStore.defaultName
    }

    /// What commands do without a context, as one.
    private static func defaultContext(_ invocation: Invocation) -> ContextStore.Context {
        let choice = EndpointChoice(
            arguments: ParsedArguments(), environment: Environment.all.filter { !$0.key.hasSuffix("_CONTEXT") },
            workingDirectory: "/")
        let chosen = (try? choice.contextName) == nil ? try? choice.endpoint() : nil
        let text = chosen?.text ?? "unix://\(invocation.location.root)/run/stackctl.sock"
        return ContextStore.Context(
            name: ContextStore.defaultName, description: "The daemon of this host, or of DOCKER_HOST", host: text)
    }

    private static func list(_ invocation: Invocation) async throws -> ExitCode {
        let isQuiet = invocation.arguments.isSet(quiet)
        let format = try ListFormat(
            invocation.arguments.value(of: ListFormat.option), fields: fields,
            columns: "{{.Name}}{{.Mark}}\\t{{.Description}}\\t{{.DockerEndpoint}}\\t{{.Error}}",
            quiet: isQuiet ? "{{.Name}}" : nil)
        let current = try current(invocation)
        let all = [defaultContext(invocation)] + (try store()).all
        let rows = all.map { context -> JSONObject in
            [
                "Name": .string(context.name), "Description": .string(context.description),
                "DockerEndpoint": .string(context.host), "Current": .bool(context.name == current), "Error": "",
                "Mark": context.name == current ? " *" : "",
            ]
        }
        invocation.output.write(try format.render(rows))
        return .success
    }

    private static func show(_ invocation: Invocation) async throws -> ExitCode {
        invocation.output.print(try current(invocation))
        return .success
    }

    private static func use(_ invocation: Invocation) async throws -> ExitCode {
        let store = try store()
        let name = invocation.arguments.operand(0) ?? ""
        if name != ContextStore.defaultName { _ = try store.find(name) }
        try store.use(name == ContextStore.defaultName ? nil : name)
        invocation.output.print(name)
        invocation.output.writeError("Current context is now \"\(name)\"\n")
        for variable in ["STACKCTL_HOST", "STACKCTL_SOCKET", "STACKCTL_CONTEXT", "DOCKER_HOST", "DOCKER_CONTEXT"]
        where !(Environment.get(variable) ?? "").isEmpty {
            invocation.output.writeError("Warning: \(variable) overrides the context; unset it to use \(name)\n")
        }
        return .success
    }

    // MARK: Making and changing

    private static func checkName(_ name: String, _ store: ContextStore) throws(Diagnostic) {
        let rest = name.dropFirst().utf8.allSatisfy {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || "_.+-".utf8.contains($0)
        }
        guard let first = name.first, first.isASCII, first.isLetter || first.isNumber, name.count > 1, rest else {
            throw Diagnostic(
                code: "SC0167",
                summary: "context name \"\(name)\" is invalid, names are validated against regexp "
                    + "\"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$\"")
        }
        guard name != ContextStore.defaultName else {
            throw Diagnostic(code: "SC0167", summary: "\"default\" is a reserved context name")
        }
        guard !store.all.contains(where: { $0.name == name && !$0.isDockers }) else {
            throw Diagnostic(
                code: "SC0167", summary: "context \"\(name)\" already exists",
                hint: "change it: stackctl context update \(name) --docker host=…")
        }
    }

    private static func create(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let store = try store()
        let name = arguments.operand(0) ?? ""
        try checkName(name, store)
        var context = ContextStore.Context(name: name, host: "")
        var tls: [String: [UInt8]] = [:]
        if let source = arguments.value(of: from) {
            (context, tls) = try copy(source, invocation, store)
            context.name = name
        }
        if let words = arguments.value(of: endpoint) {
            try take(words, into: &context, &tls, invocation, store)
        } else if arguments.value(of: from) == nil {
            throw Diagnostic(
                code: "SC0168", summary: "docker endpoint configuration is required",
                hint: "stackctl context create \(name) --docker host=ssh://USER@HOST")
        }
        context.description = arguments.value(of: description) ?? context.description
        _ = try context.endpoint(workingDirectory: "/")
        try store.write(context, tls: tls)
        invocation.output.print(name)
        invocation.output.writeError("Successfully created context \"\(name)\"\n")
        return .success
    }

    private static func copy(
        _ source: String, _ invocation: Invocation, _ store: ContextStore
    ) throws -> (ContextStore.Context, [String: [UInt8]]) {
        guard source != ContextStore.defaultName else { return (defaultContext(invocation), [:]) }
        let context = try store.find(source)
        return (context, try store.tlsFiles(of: context))
    }

    private static func update(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let store = try store()
        var context = try store.find(arguments.operand(0) ?? "")
        guard !context.isDockers else { throw dockers(context.name, "change it with `docker context update`") }
        var tls = try store.tlsFiles(of: context)
        if let words = arguments.value(of: endpoint) { try take(words, into: &context, &tls, invocation, store) }
        if let text = arguments.value(of: description) { context.description = text }
        _ = try context.endpoint(workingDirectory: "/")
        try store.write(context, tls: tls)
        invocation.output.print(context.name)
        invocation.output.writeError("Successfully updated context \"\(context.name)\"\n")
        return .success
    }

    private static func dockers(_ name: String, _ hint: String) -> Diagnostic {
        Diagnostic(code: "SC0169", summary: "context \"\(name)\" is Docker's, and is not changed here", hint: hint)
    }

    /// `host=…,ca=…,cert=…,key=…,skip-tls-verify=true,from=…`.
    private static func take(
        _ text: String, into context: inout ContextStore.Context, _ tls: inout [String: [UInt8]],
        _ invocation: Invocation, _ store: ContextStore
    ) throws {
        let fields: [String]
        do throws(Reason) {
            fields = try CommaSeparated.fields(text)
        } catch {
            throw FlagProblem.invalid(endpoint, text, error.text)
        }
        for field in fields {
            let (key, value) = CommaSeparated.cut(field)
            guard let value else { throw FlagProblem.invalid(endpoint, text, "\(field) must be a key=value pair") }
            switch key {
            case "host": context.host = value
            case "ca", "cert", "key": tls["\(key).pem"] = try file(value)
            case "skip-tls-verify": context.skipsVerification = ["true", "1"].contains(value)
            case "from":
                let (other, files) = try copy(value, invocation, store)
                context.host = other.host
                context.skipsVerification = other.skipsVerification
                tls = files
            default:
                throw FlagProblem.invalid(
                    endpoint, text, "unrecognized config key: \(key)",
                    hint: "the keys are host, ca, cert, key, skip-tls-verify and from")
            }
        }
    }

    private static func file(_ path: String) throws(Diagnostic) -> [UInt8] {
        do throws(SystemError) {
            return try Files.readAll(path, limit: 1 << 20)
        } catch {
            throw Diagnostic(code: "SC0168", summary: "the file of the context cannot be read", detail: "\(error)")
        }
    }

    private static func remove(_ invocation: Invocation) async throws -> ExitCode {
        let store = try store()
        let inUse = store.current
        var code = ExitCode.success
        for name in invocation.arguments.operands {
            do {
                guard name != ContextStore.defaultName else {
                    throw Diagnostic(code: "SC0169", summary: "context \"default\" cannot be removed")
                }
                let context = try store.find(name)
                guard !context.isDockers else { throw dockers(name, "remove it with `docker context rm`") }
                if name == inUse {
                    guard invocation.arguments.isSet(force) else {
                        throw Diagnostic(
                            code: "SC0169", summary: "context \"\(name)\" is in use, set -f flag to force remove",
                            hint: "use another one first: stackctl context use default")
                    }
                    try store.use(nil)
                }
                try store.remove(name)
                invocation.output.print(name)
            } catch {
                code = .failure
                invocation.output.show(Failure.diagnostics(error))
            }
        }
        return code
    }

    // MARK: Showing and moving

    private static func inspect(_ invocation: Invocation) async throws -> ExitCode {
        let template = try ObjectFormat(invocation.arguments.value(of: InspectCommand.format))
        let store = try store()
        let names = invocation.arguments.operands.isEmpty ? [try current(invocation)] : invocation.arguments.operands
        var objects: [JSONValue] = []
        for name in names {
            let context = name == ContextStore.defaultName ? defaultContext(invocation) : try store.find(name)
            var object = context.metadata.objectValue ?? [:]
            let files = try store.tlsFiles(of: context).keys.sorted()
            object["TLSMaterial"] = files.isEmpty ? [:] : ["docker": .array(files.map { .string($0) })]
            object["Storage"] = ["TLSPath": .string(context.tlsFolder ?? ""), "IsDockers": .bool(context.isDockers)]
            objects.append(.object(object))
        }
        if let template {
            for object in objects { invocation.output.print(try template.render(object)) }
        } else {
            invocation.output.print(json: .array(objects))
        }
        return .success
    }

    private static func export(_ invocation: Invocation) async throws -> ExitCode {
        let store = try store()
        let name = invocation.arguments.operand(0) ?? ""
        let (context, tls) = try copy(name, invocation, store)
        var bytes = try entry("meta.json", context.metadata.serializedBytes(.compact))
        for (file, content) in tls.sorted(by: { $0.key < $1.key }) { bytes += try entry("tls/docker/\(file)", content) }
        bytes += TarWriter.endMarker
        let path = invocation.arguments.operand(1) ?? "\(name).dockercontext"
        guard path != "-" else {
            try ReceivedArchive.refuseTerminal(nil, "export", hint: "stackctl context export \(name) - > FILE")
            invocation.output.write(bytes: bytes)
            return .success
        }
        do throws(SystemError) {
            // There may be a private key in it.
            let file = try Files.open(path, [.writeOnly, .create, .exclusive], mode: 0o600)
            try file.writeAll(bytes)
        } catch {
            throw Diagnostic(code: "SC0184", summary: "the archive cannot be written to \(path)", detail: "\(error)")
        }
        invocation.output.writeError("Written file \"\(path)\"\n")
        return .success
    }

    private static func entry(_ name: String, _ content: [UInt8]) throws(ArchiveError) -> [UInt8] {
        var entry = TarEntry(path: Array(name.utf8), kind: .regular)
        entry.mode = 0o600
        entry.size = UInt64(content.count)
        return try TarWriter.header(of: entry) + content + TarWriter.padding(after: entry.size)
    }

    private static func load(_ invocation: Invocation) async throws -> ExitCode {
        let store = try store()
        let name = invocation.arguments.operand(0) ?? ""
        try checkName(name, store)
        let path = invocation.arguments.operand(1) ?? "-"
        let file = path == "-" ? try FileDescriptor.duplicating(0).shared() : try SentArchive.open(path)
        let (context, tls) = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try read(file, name: name)
        }
        _ = try context.endpoint(workingDirectory: "/")
        try store.write(context, tls: tls)
        invocation.output.print(name)
        invocation.output.writeError("Successfully imported context \"\(name)\"\n")
        return .success
    }

    /// Takes `meta.json` and the known files of TLS from an archive; anything else in it is left.
    private static func read(
        _ file: SharedDescriptor, name: String
    ) throws(Diagnostic) -> (ContextStore.Context, [String: [UInt8]]) {
        var metadata: [UInt8] = []
        var tls: [String: [UInt8]] = [:]
        do throws(ArchiveError) {
            let reader = TarReader(DescriptorSource(file))
            while let entry = try reader.next() {
                guard entry.kind == .regular, entry.size <= 1 << 20 else { continue }
                var content: [UInt8] = []
                try reader.readData { data throws(ArchiveError) in
                    if case .bytes(let bytes) = data { content += bytes }
                }
                if entry.name == "meta.json" { metadata = content }
                for known in ["ca.pem", "cert.pem", "key.pem"] where entry.name == "tls/docker/\(known)" {
                    tls[known] = content
                }
            }
        } catch {
            throw Diagnostic(code: "SC0168", summary: "the archive of the context cannot be read", detail: "\(error)")
        }
        guard let value = try? JSONValue.parse(metadata), var context = ContextStore.Context(metadata: value) else {
            throw Diagnostic(
                code: "SC0168", summary: "invalid context: no metadata found",
                hint: "give an archive that `context export` wrote")
        }
        context.name = name
        return (context, tls)
    }
}

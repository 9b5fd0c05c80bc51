import Diagnostics
import JSONText
import Linux
import OCI
import Registry

/// `stackctl manifest …`: lists of an image's manifests for several platforms.
///
/// No daemon has a part in it: lists that are being made are the user's, and what they are made of is in registries.
enum ManifestCommand {
    private static let list = OperandDeclaration("LIST", "Name of the list, as it will be pushed")
    private static let manifest = OperandDeclaration("MANIFEST", "Name of an image in a registry")
    private static let amend = OptionDeclaration.flag("amend", "a", "Also where there is a list of the name already")
    private static let insecure = OptionDeclaration.flag("insecure", nil, "Speak with the registry without TLS")
    private static let verbose = OptionDeclaration.flag("verbose", "v", "Also what points at it, and its parts")
    private static let purge = OptionDeclaration.flag("purge", "p", "Forget the list once it is pushed")
    private static let architecture = OptionDeclaration.value("arch", nil, .text("ARCH"), "Architecture, such as arm64")
    private static let system = OptionDeclaration.value("os", nil, .text("OS"), "Operating system, such as linux")
    private static let systemFeatures = OptionDeclaration.list(
        "os-features", nil, .text("NAME"), "Feature of the system")
    private static let systemVersion = OptionDeclaration.value(
        "os-version", nil, .text("TEXT"), "Version of the system")
    private static let variant = OptionDeclaration.value("variant", nil, .text("NAME"), "Variant, such as v7")

    static let declaration = CommandDeclaration(
        "manifest", summary: "Make one name for an image's manifests of several platforms",
        discussion: "The images are in a registry already; the list is made here, then pushed.",
        subcommands: [
            CommandDeclaration(
                "create", summary: "Make a list of manifests",
                operands: [
                    list, OperandDeclaration("MANIFEST", .oneOrMore, "Names of images in a registry"),
                ], options: [amend, insecure], action: create),
            CommandDeclaration(
                "annotate", summary: "Say which platform a manifest of a list is for", operands: [list, manifest],
                options: [architecture, system, systemFeatures, systemVersion, variant], action: annotate),
            CommandDeclaration(
                "inspect", summary: "Show a manifest of a registry, or a list that is being made",
                operands: [
                    OperandDeclaration("NAME", "Name of an image or a list"),
                    OperandDeclaration("MANIFEST", .optional, "Show this one of the list"),
                ], options: [insecure, verbose], action: inspect),
            CommandDeclaration(
                "push", summary: "Push a list, and what the registry lacks of its manifests", operands: [list],
                options: [insecure, purge], action: push),
            CommandDeclaration(
                "rm", summary: "Forget lists that are being made",
                operands: [OperandDeclaration("LIST", .oneOrMore, "Names of lists")], action: remove),
        ])

    // MARK: Registries

    /// Runs what blocks, with a client of the repository that a name is in.
    private static func asking<Value: Sendable>(
        _ reference: ImageReference, _ invocation: Invocation, _ doing: String,
        _ body: @escaping @Sendable (RegistryClient) throws(RegistryError) -> Value
    ) async throws -> Value {
        let isInsecure = invocation.arguments.isSet(insecure)
        return try await LoginCommand.reporting("\(doing) \(reference.familiar)") { () throws(RegistryError) in
            var options = try RegistryOptions.ofCallingUser()
            if isInsecure {
                var entry = options.settings.entries[reference.domain] ?? RegistryEntry()
                entry.isInsecure = true
                options.settings = RegistrySettings(options.settings.entries.merging([reference.domain: entry]) { $1 })
            }
            return try body(try RegistryClient(reference, options: options))
        }
    }

    private static func name(_ reference: ImageReference) -> String {
        reference.digest?.description ?? reference.tag ?? ImageReference.defaultTag
    }

    private static func parsed(_ bytes: [UInt8], _ reference: ImageReference) throws(Diagnostic) -> JSONValue {
        guard let value = try? JSONValue.parse(bytes) else {
            throw problem("the manifest of \(reference.familiar) is not JSON")
        }
        return value
    }

    private static func problem(_ summary: String, hint: String? = nil) -> Diagnostic {
        Diagnostic(code: "SC0207", summary: summary, hint: hint)
    }

    /// What a list says of a manifest: its descriptor with the platform of its config.
    private static func entry(_ reference: ImageReference, _ invocation: Invocation) async throws -> JSONValue {
        let name = name(reference)
        let (fetched, config) = try await asking(reference, invocation, "looking at") {
            client throws(RegistryError) -> (FetchedManifest, [UInt8]) in
            let fetched = try client.manifest(name)
            let text = (try? JSONValue.parse(fetched.bytes))?["config"]?["digest"]?.stringValue
            guard let digest = text.flatMap({ Digest($0) }) else { return (fetched, []) }
            return (fetched, try client.blobBytes(digest))
        }
        guard !config.isEmpty, let described = try? JSONValue.parse(config) else {
            throw problem(
                "\(reference.familiar) is a manifest list itself", hint: "name the image of one platform, by its digest"
            )
        }
        var platform: JSONObject = [:]
        for key in ["architecture", "os", "os.version", "os.features", "variant"] { platform[key] = described[key] }
        return [
            "reference": .string(reference.description),
            "descriptor": [
                "mediaType": .string(fetched.mediaType), "size": .int(Int64(fetched.bytes.count)),
                "digest": .string(fetched.digest.description), "platform": .object(platform),
            ],
        ]
    }

    // MARK: Verbs

    private static func create(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let store = try ManifestLists()
        let target = try RegistryName.reference(arguments.operand(0) ?? "").withDefaultTag
        var entries = store.read(target) ?? []
        if !entries.isEmpty, !arguments.isSet(amend) {
            throw problem(
                "refusing to amend an existing manifest list with no --amend flag",
                hint: "or forget it first: stackctl manifest rm \(target.familiar)")
        }
        for word in arguments.operands.dropFirst() {
            let reference = try RegistryName.reference(word).withDefaultTag
            let entry = try await entry(reference, invocation)
            entries.removeAll { $0["reference"] == entry["reference"] }
            entries.append(entry)
        }
        try store.write(target, entries)
        invocation.output.print("Created manifest list \(target.description)")
        return .success
    }

    private static func annotate(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let store = try ManifestLists()
        let target = try RegistryName.reference(arguments.operand(0) ?? "").withDefaultTag
        let member = try RegistryName.reference(arguments.operand(1) ?? "").withDefaultTag
        var entries = try store.find(target)
        guard let index = entries.firstIndex(where: { $0["reference"]?.stringValue == member.description }),
            var entry = entries[index].objectValue, var descriptor = entry["descriptor"]?.objectValue
        else { throw problem("manifest for image \(member.familiar) does not exist in \(target.familiar)") }
        var platform = descriptor["platform"]?.objectValue ?? [:]
        for (key, option) in [
            ("architecture", architecture), ("os", system), ("os.version", systemVersion), ("variant", variant),
        ] {
            if let value = arguments.value(of: option) { platform[key] = .string(value) }
        }
        let features = arguments.values(of: systemFeatures).flatMap { $0.split(separator: ",") }
        if !features.isEmpty { platform["os.features"] = .array(features.map { .string(String($0)) }) }
        descriptor["platform"] = .object(platform)
        entry["descriptor"] = .object(descriptor)
        entries[index] = .object(entry)
        try store.write(target, entries)
        return .success
    }

    private static func inspect(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let first = try RegistryName.reference(arguments.operand(0) ?? "").withDefaultTag
        let known = try ManifestLists().read(first)
        if let word = arguments.operand(1) {
            let member = try RegistryName.reference(word).withDefaultTag
            guard let entry = known?.first(where: { $0["reference"]?.stringValue == member.description }) else {
                throw problem("No such manifest: \(member.familiar)")
            }
            invocation.output.print(json: entry["descriptor"] ?? .null)
            return .success
        }
        if let known {
            invocation.output.print(json: index(of: known))
            return .success
        }
        let name = name(first)
        let fetched = try await asking(first, invocation, "looking at") { client throws(RegistryError) in
            try client.manifest(name)
        }
        let manifest = try parsed(fetched.bytes, first)
        guard arguments.isSet(verbose) else {
            invocation.output.print(json: manifest)
            return .success
        }
        invocation.output.print(json: [
            "Ref": .string(first.description),
            "Descriptor": [
                "mediaType": .string(fetched.mediaType), "digest": .string(fetched.digest.description),
                "size": .int(Int64(fetched.bytes.count)),
            ],
            "Manifest": manifest,
        ])
        return .success
    }

    /// The list as it is pushed: Docker's own kind where all its manifests are.
    private static func index(of entries: [JSONValue]) -> JSONValue {
        let descriptors = entries.compactMap { $0["descriptor"] }
        let areDockers = descriptors.allSatisfy { $0["mediaType"]?.stringValue == MediaType.dockerManifest }
        return [
            "schemaVersion": 2,
            "mediaType": .string(areDockers ? MediaType.dockerManifestList : MediaType.ociIndex),
            "manifests": .array(descriptors),
        ]
    }

    private static func push(_ invocation: Invocation) async throws -> ExitCode {
        let store = try ManifestLists()
        let target = try RegistryName.reference(invocation.arguments.operand(0) ?? "").withDefaultTag
        let entries = try store.find(target)
        for entry in entries {
            guard let word = entry["reference"]?.stringValue, let reference = try? ImageReference(word),
                let digest = entry["descriptor"]?["digest"]?.stringValue
            else { continue }
            guard reference.domain == target.domain else {
                throw problem(
                    "cannot use source images from a different registry than the target image: "
                        + "\(reference.domain) != \(target.domain)",
                    hint: "push \(reference.familiar) to \(target.domain) first")
            }
            if reference.path != target.path { try await bring(digest, from: reference, to: target, invocation) }
        }
        let index = index(of: entries)
        let bytes = index.serializedBytes(.compact)
        let mediaType = index["mediaType"]?.stringValue ?? MediaType.ociIndex
        let tag = name(target)
        let digest = try await asking(target, invocation, "pushing") { client throws(RegistryError) in
            try client.putManifest(bytes, mediaType: mediaType, reference: tag)
        }
        invocation.output.print(digest.description)
        if invocation.arguments.isSet(purge) { try store.remove(target) }
        return .success
    }

    /// Takes a manifest and its blobs over from another repository of the registry.
    private static func bring(
        _ digest: String, from source: ImageReference, to target: ImageReference, _ invocation: Invocation
    ) async throws {
        let fetched = try await asking(source, invocation, "looking at") { client throws(RegistryError) in
            try client.manifest(digest)
        }
        let manifest = try parsed(fetched.bytes, source)
        let parts = [manifest["config"] ?? .null] + (manifest["layers"]?.arrayValue ?? [])
        let digests = parts.compactMap { $0["digest"]?.stringValue }.compactMap { Digest($0) }
        let missing = try await asking(target, invocation, "pushing to") {
            client throws(RegistryError) -> Digest? in
            for digest in digests where try !client.exists(digest) {
                guard try client.mount(digest, from: source.path) else { return digest }
            }
            try client.putManifest(fetched.bytes, mediaType: fetched.mediaType)
            return nil
        }
        if let missing {
            throw problem(
                "the registry does not take the blob \(missing) over from \(source.familiarRepository)",
                hint: "push the image to \(target.familiarRepository) itself, and name that one")
        }
    }

    private static func remove(_ invocation: Invocation) async throws -> ExitCode {
        let store = try ManifestLists()
        var code = ExitCode.success
        for word in invocation.arguments.operands {
            do {
                let target = try RegistryName.reference(word).withDefaultTag
                _ = try store.find(target)
                try store.remove(target)
            } catch {
                code = .failure
                invocation.output.show(Failure.diagnostics(error))
            }
        }
        return code
    }
}

/// Lists of manifests that are being made: a file for each in the user's folder.
private struct ManifestLists {
    private let folder: String

    init() throws(Diagnostic) {
        guard let store = ContextStore(environment: Environment.all) else { throw ContextStore.homeless }
        folder = store.folder + "/manifests"
    }

    private func path(_ list: ImageReference) -> String {
        folder + "/" + list.description.replacing("/", with: "_").replacing(":", with: "-") + ".json"
    }

    /// The entries of a list; nil where there is none.
    func read(_ list: ImageReference) -> [JSONValue]? {
        guard let text = try? Files.readText(path(list), limit: 4 << 20) else { return nil }
        return (try? JSONValue.parse(text))?["manifests"]?.arrayValue
    }

    func find(_ list: ImageReference) throws(Diagnostic) -> [JSONValue] {
        guard let entries = read(list) else {
            throw Diagnostic(
                code: "SC0207", summary: "No such manifest: \(list.familiar)",
                hint: "make it: stackctl manifest create \(list.familiar) IMAGE…")
        }
        return entries
    }

    func write(_ list: ImageReference, _ entries: [JSONValue]) throws(SystemError) {
        try Files.makeDirectories(folder, mode: 0o700)
        let content: JSONValue = ["list": .string(list.description), "manifests": .array(entries)]
        try Files.writeAtomically(path(list), content.serializedBytes(.pretty))
    }

    func remove(_ list: ImageReference) throws(SystemError) { try Files.unlink(path(list)) }
}

import Diagnostics
import JSONText
import StackModel

/// The declaration of an image.
struct ImageSource {
    private let group: SourceGroup
    private let scope: SourceScope
    private var attributes: SourceAttributes
    private var origin: SourceAttributes
    private var call = SourceCall("Image")

    init(_ group: SourceGroup, _ scope: SourceScope) throws(Diagnostic) {
        self.group = group
        self.scope = scope
        var attributes = SourceAttributes(
            group.attributes, path: group.address.description, keepsEmpty: ["command", "entrypoint"])
        guard let origin = try attributes.group("from") else { throw attributes.failure("from", "is missing") }
        self.attributes = attributes
        self.origin = origin
        // What plans find out, and no manifest says.
        for key in ["inputs", "state"] { _ = self.origin.take(key) }
    }

    /// The stages and the image itself, each with its variable; the image is the last one.
    ///
    /// - Parameter names: gives the stages theirs.
    mutating func declarations(_ names: inout SourceNames) throws(Diagnostic) -> [(variable: String, value: String)] {
        call.add(SourceText.literal(group.address.name))
        var declarations: [(variable: String, value: String)] = []
        var block: [String] = []
        if let stages = origin.take("stages") {
            var steps = StepsSource(group, scope, bases: try origin.pairs("bases"))
            declarations = try steps.stages(stages.arrayValue ?? [], &names)
            block = steps.last
            call.add("context", try origin.text("context"))
            call.add("secrets", try origin.dictionary("secrets"))
        } else {
            try addOrigin()
            block = try settings()
        }
        try origin.finish()
        try attributes.finish()
        declarations.append((scope.names[group.address] ?? "image", call.text(block: block)))
        return declarations
    }

    private mutating func addOrigin() throws(Diagnostic) {
        if origin.has("dockerfile") || origin.has("dockerfileText") { return try addBuild() }
        if var debian = try origin.group("debian") {
            let suite = try debian.plain("suite") ?? ""
            let isKnown = ["bullseye", "bookworm", "trixie", "sid"].contains(suite)
            call.add("debian", isKnown ? ".\(suite)" : SourceText.literal(suite))
            call.add("packages", try debian.list("packages"))
            call.add("mirror", try debian.text("mirror"))
            call.add("variant", try debian.text("variant"))
            // Versions are kept in Stack.lock.
            _ = debian.take("lock")
            return try debian.finish()
        }
        if let program = try origin.plain("program") {
            guard program == "stackctl" else { throw origin.failure("program", "is \"\(program)\"") }
            call.add("program", ".stackctl")
            return
        }
        let before = call
        for key in ["rootfs", "tar", "archive", "reference"] { call.add(key, try origin.text(key)) }
        call.add("image", try origin.text("image"))
        if before.text == call.text { throw attributes.failure("from", "says nothing that images are made of") }
    }

    private mutating func addBuild() throws(Diagnostic) {
        call.add("dockerfile", try origin.text("dockerfile"))
        call.add("dockerfileText", try origin.text("dockerfileText"))
        call.add("context", try origin.text("context"))
        call.add("target", try origin.text("target"))
        call.add("arguments", try origin.dictionary("arguments"))
        call.add("secrets", try origin.dictionary("secrets"))
        // The Dockerfile names them; their digests are kept in Stack.lock.
        _ = origin.take("bases")
        var options = SourceCall("BuildOptions")
        var contexts: [(key: String, value: String)] = []
        for (name, value) in try origin.pairs("contexts") {
            let image = "docker-image://"
            if let text = value.stringValue {
                let isImage = text.hasPrefix(image)
                contexts.append(
                    (
                        name,
                        isImage
                            ? ".image(\(SourceText.literal(String(text.dropFirst(image.count)))))"
                            : SourceText.literal(text)
                    ))
            } else {
                contexts.append((name, ".image(\(try scope.image(value, "\(group.address).from.contexts.\(name)")))"))
            }
        }
        if !contexts.isEmpty { options.add("contexts", SourceText.dictionary(contexts)) }
        options.add("network", try origin.text("network"))
        options.add("extraHosts", try origin.list("extraHosts"))
        options.add("shmSize", try origin.bytes("shmSize"))
        var limits: [String] = []
        for (name, value) in try origin.pairs("ulimits") {
            limits.append(try ContainerSource.ulimit(name, value, origin))
        }
        if !limits.isEmpty { options.add("ulimits", SourceText.list(limits)) }
        options.add("cacheFrom", try origin.list("cacheFrom"))
        options.add("cacheTo", try origin.list("cacheTo"))
        options.add("noCache", try origin.truth("noCache"))
        options.add("noCacheStages", try origin.list("noCacheStages"))
        options.add("pull", try origin.truth("pull"))
        options.add("platforms", try origin.list("platforms"))
        options.add("ssh", try origin.list("ssh"))
        options.add("entitlements", try origin.list("entitlements"))
        options.add("labels", try origin.dictionary("labels"))
        options.add("secretValues", try origin.dictionary("secretValues"))
        if !options.isWithoutArguments { call.add("options", options.text) }
    }

    /// The elements of its block.
    private mutating func settings() throws(Diagnostic) -> [String] {
        var lines: [String] = []
        lines += try attributes.programs()
        for (key, name) in [("env", "Env"), ("labels", "Label")] {
            for (member, value) in try attributes.pairs(key) {
                let text = try scope.text(value, "\(group.address).\(key).\(member)")
                lines.append("\(name)(\(SourceText.literal(member)), \(text))")
            }
        }
        if let user = try attributes.text("user") { lines.append("User(\(user))") }
        if let workdir = try attributes.text("workdir") { lines.append("Workdir(\(workdir))") }
        for port in try attributes.words("exposed") {
            lines.append(try ContainerSource.expose(port, attributes, "exposed"))
        }
        if let signal = try attributes.text("stopSignal") { lines.append("Stop(signal: \(signal))") }
        for (key, name) in [("tags", "Tag"), ("push", "Push")] {
            for word in try attributes.words(key) { lines.append("\(name)(\(SourceText.literal(word)))") }
        }
        return lines
    }
}

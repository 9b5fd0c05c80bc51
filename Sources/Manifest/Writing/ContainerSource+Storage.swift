import Diagnostics
import JSONText
import StackModel

extension ContainerSource {
    mutating func writeStorage() throws(Diagnostic) {
        for var mount in try attributes.groups("mounts") {
            let type = try mount.plain("type") ?? ""
            guard let target = try mount.text("target") else { throw mount.failure("target", "is missing") }
            var call = SourceCall("Mount")
            switch type {
            case "volume": try volume(&mount, target, &call)
            case "bind":
                guard let source = try mount.text("source") else { throw mount.failure("source", "is missing") }
                call.add("bind", source)
                call.add("at", target)
                try readOnly(&mount, &call)
                if let propagation = try mount.plain("propagation") {
                    guard ["private", "rprivate", "shared", "rshared", "slave", "rslave"].contains(propagation) else {
                        throw mount.failure("propagation", "is \"\(propagation)\", which mount(8) does not know")
                    }
                    call.add("propagation", ".\(propagation)")
                }
                call.add("createSource", try mount.truth("createSource"))
                call.add("recursive", try mount.truth("recursive"))
            case "tmpfs":
                call.add("tmpfs", target)
                try readOnly(&mount, &call)
                call.add("size", try mount.number("size").map { SourceText.bytes($0) })
                call.add("mode", try mount.number("mode").map { "0o\(String($0, radix: 8))" })
                call.add("options", try mount.list("options"))
            case "image":
                guard let source = mount.take("source") else { throw mount.failure("source", "is missing") }
                call.add("image", try scope.image(source, "\(mount.path).source"))
                call.add("at", target)
                // The files of an image are read-only, written or not.
                _ = mount.take("readOnly")
                call.add("subpath", try mount.text("subpath"))
            default: throw mount.failure("type", "is \"\(type)\", which manifests do not mount")
            }
            try mount.finish()
            lines.append(call.text)
        }
        for source in try attributes.values("volumesFrom") {
            lines.append("VolumesFrom(\(try scope.text(source, "\(group.address).volumesFrom")))")
        }
        for var file in try attributes.groups("files") { lines.append(try Self.file(&file, scope)) }
        try write("ReadOnlyRoot", flag: "readOnlyRoot")
        write("SharedMemory", try attributes.bytes("shmSize"))
        try write("StorageOption", entries: "storageOptions")
        if let kept = try attributes.plain("anonymousVolumes") {
            guard kept == "keep" else { throw attributes.failure("anonymousVolumes", "is \"\(kept)\", not keep") }
            lines.append("KeepAnonymousVolumes()")
        }
    }

    private func volume(
        _ mount: inout SourceAttributes, _ target: String, _ call: inout SourceCall
    ) throws(Diagnostic) {
        if let source = mount.take("source") {
            call.add(try scope.existing(.volume, source, "\(mount.path).source"))
            call.add("at", target)
            let mustExist = try mount.flag("mustExist") ?? false
            guard source.stringValue == nil || mustExist else {
                throw mount.failure("source", "is the name of a volume that need not be there")
            }
        } else {
            call.add("anonymous", target)
        }
        try readOnly(&mount, &call)
        call.add("subpath", try mount.text("subpath"))
        call.add("copies", try mount.truth("copy"))
    }

    private func readOnly(_ mount: inout SourceAttributes, _ call: inout SourceCall) throws(Diagnostic) {
        if try mount.flag("readOnly") == true { call.add("readOnly", "true") }
    }

    /// `SecretFile("key", source: "/srv/key")`, or `ConfigFile` for what is not among the secrets.
    private static func file(_ file: inout SourceAttributes, _ scope: SourceScope) throws(Diagnostic) -> String {
        guard let target = try file.plain("target") else { throw file.failure("target", "is missing") }
        let directory = "/run/secrets/"
        let isSecret = target.hasPrefix(directory) || file.has("sealed")
        var call = SourceCall(isSecret ? "SecretFile" : "ConfigFile")
        call.add(SourceText.literal(target.hasPrefix(directory) ? String(target.dropFirst(directory.count)) : target))
        call.add("source", try file.text("source"))
        if let content = file.take("content") { call.add("content", try scope.text(content, "\(file.path).content")) }
        call.add("sealed", try file.text("sealed"))
        call.add("uid", try file.integer("uid"))
        call.add("gid", try file.integer("gid"))
        call.add("mode", try file.text("mode"))
        try file.finish()
        return call.text
    }
}

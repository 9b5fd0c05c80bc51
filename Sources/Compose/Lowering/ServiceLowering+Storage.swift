import Diagnostics
import JSONText
import StackModel

/// What is mounted.
extension ServiceLowering {
    private typealias Mount = (value: JSONValue, location: SourceLocation)

    mutating func lowerMounts() {
        var mounts: [(value: JSONValue, location: SourceLocation)] = []
        for volume in service.readers("volumes") {
            if let mount = mount(volume) { mounts.append((.object(mount), volume.location)) }
            volume.finish()
        }
        for text in service.texts("tmpfs") ?? [] {
            mounts.append((.object(Self.temporary(text)), service.location("tmpfs")))
        }
        if service.flag("use_api_socket") == true {
            mounts.append((apiSocket(), service.location("use_api_socket")))
        }
        draft.set("mounts", mounts)
        let others = (service.texts("volumes_from") ?? []).compactMap { volumesFrom($0) }
        if !others.isEmpty { set("volumesFrom", .array(others), "volumes_from") }
    }

    private mutating func mount(_ volume: MemberReader) -> JSONObject? {
        let type = volume.given("type") ?? "volume"
        let target = volume.given("target") ?? ""
        var mount: JSONObject = ["type": .string(type), "target": .string(target)]
        let source = volume.given("source")
        if volume.entry("consistency") != nil {
            volume.warn("consistency", "SC2451", "volumes.consistency", "has no meaning on Linux")
        }
        // Options of other kinds of mount mean nothing, as in Docker Compose.
        volume.skip("bind", "volume", "tmpfs", "image")
        switch type {
        case "bind": read(bind: volume, source, into: &mount)
        case "volume": guard read(volume: volume, source, into: &mount) else { return nil }
        case "tmpfs": read(temporary: volume, into: &mount)
        case "image":
            mount["source"] = source.map { context.image($0) }
            mount["subpath"] = volume.reader("image")?.given("subpath").map { .string($0) }
            volume.reader("image")?.finish()
        default:
            volume.refuse(
                "type", "SC2415", "is \(type), which Linux hosts do not have", hint: "use bind, volume, tmpfs or image")
            volume.skip("read_only")
            return nil
        }
        if volume.flag("read_only") == true { mount["readOnly"] = true }
        return mount
    }

    private func read(bind volume: MemberReader, _ source: String?, into mount: inout JSONObject) {
        mount["source"] = source.map { .string($0) }
        let bind = volume.reader("bind")
        // As Docker does unless told otherwise.
        if bind?.flag("create_host_path") ?? true { mount["createSource"] = true }
        mount["propagation"] = bind?.given("propagation").map { .string($0) }
        if bind?.entry("selinux") != nil {
            bind?.warn("selinux", "SC2451", "volumes.bind.selinux", "is not honoured: nothing here labels files")
        }
        switch bind?.given("recursive") {
        case "disabled": mount["recursive"] = false
        case "writable":
            bind?.warn(
                "recursive", "SC2451", "volumes.bind.recursive: writable",
                "is not honoured: what is mounted below a read-only directory is read-only, too")
        default: break
        }
        bind?.finish()
    }

    /// - Returns: false where there is no such volume.
    private mutating func read(volume: MemberReader, _ source: String?, into mount: inout JSONObject) -> Bool {
        let options = volume.reader("volume")
        if options?.flag("nocopy") == true { mount["copy"] = false }
        mount["subpath"] = options?.given("subpath").map { .string($0) }
        if options?.entry("labels") != nil {
            options?.warn("labels", "SC2451", "volumes.volume.labels", "are not honoured, as in Docker Compose")
        }
        options?.finish()
        guard let source else {
            anonymousTargets.insert(mount["target"]?.stringValue ?? "")
            return true
        }
        guard let declared = context.project.volumes[source] else {
            volume.refuse("source", "SC2423", "names \(source), which the project does not have")
            return false
        }
        if declared.isExternal {
            mount["source"] = .string(declared["name"]?.string ?? source)
            mount["mustExist"] = true
        } else {
            let address = ResourceAddress(kind: .volume, name: source)
            mount["source"] = StackReference(address: address, attribute: "name").json
        }
        return true
    }

    private func read(temporary volume: MemberReader, into mount: inout JSONObject) {
        guard let options = volume.reader("tmpfs") else { return }
        if let size = options.size("size"), size > 0 { mount["size"] = .int(size) }
        if let text = options.entry("mode")?.value.string {
            if let bits = Int64(text, radix: 8) {
                mount["mode"] = .int(bits)
            } else {
                options.refuse("mode", "SC2401", "must be permission bits such as 1777")
            }
        } else if let bits = options.integer("mode"), bits > 0 {
            mount["mode"] = .int(bits)
        }
        options.finish()
    }

    /// `/run:size=64m,mode=755` of the attribute `tmpfs`.
    private static func temporary(_ text: String) -> JSONObject {
        let sides = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var mount: JSONObject = ["type": "tmpfs", "target": .string(sides[0])]
        var others: [String] = []
        for word in sides.dropFirst().flatMap({ $0.split(separator: ",") }) {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            switch parts[0] {
            case "size" where parts.count == 2 && ComposeSize.bytes(parts[1]) != nil:
                mount["size"] = ComposeSize.bytes(parts[1]).map { .int($0) }
            case "mode" where parts.count == 2 && Int64(parts[1], radix: 8) != nil:
                mount["mode"] = Int64(parts[1], radix: 8).map { .int($0) }
            case "ro": mount["readOnly"] = true
            case "rw": break
            default: others.append(String(word))
            }
        }
        if !others.isEmpty { mount["options"] = .strings(others) }
        return mount
    }

    /// As Docker Compose: the socket where clients look for it.
    private func apiSocket() -> JSONValue {
        service.warn(
            "use_api_socket", "SC2459", "use_api_socket",
            "mounts the socket, but hands over no credentials of registries")
        return ["type": "bind", "source": .string(context.options.apiSocket), "target": "/var/run/docker.sock"]
    }

    /// `db:ro`, or `container:NAME:ro` for one that is not of the project.
    private func volumesFrom(_ text: String) -> JSONValue? {
        if text.hasPrefix("container:") { return .string(String(text.dropFirst("container:".count))) }
        let sides = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard let other = sides.first else { return nil }
        return containerText(of: other, "volumes_from", after: sides.count == 2 ? ":\(sides[1])" : "")
    }
}

import JSONText
import Linux

/// `stackctl ps`: the containers.
enum PsCommand {
    private static let all = OptionDeclaration.flag("all", "a", "Also those that do not run")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the identifiers")
    private static let long = OptionDeclaration.flag("no-trunc", nil, "Whole identifiers and commands")
    private static let filter = OptionDeclaration.list(
        "filter", "f", .pair("KEY=VALUE"), "Only those that match: name, status, label, network, …")
    private static let last = OptionDeclaration.value(
        "last", "n", .text("N"), "The N that were made last, whether they run or not")
    private static let latest = OptionDeclaration.flag("latest", "l", "The one that was made last")
    private static let size = OptionDeclaration.flag("size", "s", "Also what they wrote, in bytes")

    static let declaration = CommandDeclaration(
        "ps", summary: "List containers",
        options: [all, filter, ListFormat.option, last, latest, long, quiet, size, SharedOptions.json], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let preferred = arguments.isSet(quiet) ? nil : UserFiles.format("psFormat")
        let given = arguments.value(of: ListFormat.option) ?? preferred
        let showsSize = arguments.isSet(size)
        let format = try ListFormat(
            given, fields: ContainerRow.fields,
            columns: "{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}\\t{{.Names}}"
                + (showsSize ? "\\t{{.Size}}" : ""),
            quiet: arguments.isSet(quiet) ? "{{.ID}}" : nil)
        let count = try arguments.value(of: last) { text throws(Reason) in try GoText.integer(text) }
        let limit = count ?? (arguments.isSet(latest) ? 1 : -1)
        let target = Target("containers", "json").with("all", arguments.isSet(all))
            .with("limit", limit > 0 ? "\(limit)" : nil)
            .with("size", showsSize || given.map { $0.contains(".Size") || $0 == "{{json .}}" } ?? false)
            .with(filters: arguments.pairs(of: filter))
        let answer = try await invocation.daemon().get(target.text)
        if arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        let now = Clock.now().seconds
        let whole = arguments.isSet(long)
        let rows = (answer.arrayValue ?? []).map { ContainerRow.row($0, whole: whole, now: now) }
        invocation.output.write(try format.render(rows))
        return .success
    }
}

/// A container as lists show it.
enum ContainerRow {
    static let fields = [
        ListFormat.Field("ID", "CONTAINER ID"), .init("Image", "IMAGE"), .init("Command", "COMMAND"),
        .init("RunningFor", "CREATED"), .init("CreatedAt", "CREATED AT"), .init("Status", "STATUS"),
        .init("State", "STATE"), .init("Ports", "PORTS"), .init("Names", "NAMES"), .init("Size", "SIZE"),
        .init("Labels", "LABELS"), .init("Mounts", "MOUNTS"), .init("LocalVolumes", "LOCAL VOLUMES"),
        .init("Networks", "NETWORKS"), .init("Platform", "PLATFORM"), .init("HealthStatus", "HEALTH"),
    ]

    static func row(_ container: JSONValue, whole: Bool, now: Int64) -> JSONObject {
        // What is known of a damaged one does not include its age.
        let created = container["Created"]?.intValue ?? 0
        let mounts = container["Mounts"]?.arrayValue ?? []
        let mountNames = mounts.map { mount in
            let name =
                mount["Name"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } ?? mount["Source"]?.stringValue ?? ""
            return whole ? name : HumanText.ellipsis(name, 15)
        }
        let volumes = mounts.filter { $0["Driver"] == "local" }.count
        let networks = container["NetworkSettings"]?["Networks"]?.objectValue?.keys ?? []
        let status = container["Status"]?.stringValue ?? ""
        return [
            "ID": .string(shortID(container["Id"]?.stringValue ?? "", whole: whole)),
            "Image": .string(image(container["Image"]?.stringValue ?? "", whole: whole)),
            "Command": .string(command(container["Command"]?.stringValue ?? "", whole: whole)),
            "RunningFor": .string(created > 0 ? "\(HumanText.age(seconds: now - created)) ago" : ""),
            "CreatedAt": .string(created > 0 ? HumanText.goTime(seconds: created) : ""),
            "Status": .string(status), "State": .string(container["State"]?.stringValue ?? ""),
            "Ports": .string(PortText.text(container["Ports"]?.arrayValue ?? [])),
            "Names": .string(names(container, whole: whole)), "Size": .string(size(container)),
            "Labels": .string(LabelText.text(container["Labels"]?.objectValue ?? [:])),
            LabelText.hiddenMember: container["Labels"] ?? [:],
            "Mounts": .string(mountNames.joined(separator: ",")), "LocalVolumes": .string("\(volumes)"),
            "Networks": .string(networks.sorted().joined(separator: ",")),
            "Platform": container["ImageManifestDescriptor"]?["platform"] ?? .null,
            "HealthStatus": .string(health(container, status)),
        ]
    }

    private static func command(_ text: String, whole: Bool) -> String {
        JSONValue.string(whole ? text : HumanText.ellipsis(text, 20)).serialized(.compact)
    }

    /// The names, without those that links give.
    private static func names(_ container: JSONValue, whole: Bool) -> String {
        let names = (container["Names"]?.arrayValue ?? []).compactMap(\.stringValue)
            .map { $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }
        return names.filter { whole || !$0.contains("/") }.joined(separator: ",")
    }

    private static func size(_ container: JSONValue) -> String {
        let written = HumanText.size(container["SizeRw"]?.intValue ?? 0)
        guard let all = container["SizeRootFs"]?.intValue, all > 0 else { return written }
        return "\(written) (virtual \(HumanText.size(all)))"
    }

    private static func health(_ container: JSONValue, _ status: String) -> String {
        if let known = container["Health"]?["Status"]?.stringValue { return known }
        for word in ["healthy", "unhealthy"] where status.hasSuffix("(\(word))") { return word }
        return status.hasSuffix("(health: starting)") ? "starting" : "none"
    }

    /// A reference as it is, an identifier shortened.
    private static func image(_ text: String, whole: Bool) -> String {
        if text.isEmpty { return "<no image>" }
        return text.hasPrefix("sha256:") ? shortID(text, whole: whole) : text
    }
}

/// Labels in a list.
enum LabelText {
    /// Where a row has the labels for `{{.Label "name"}}`; no field has such a name.
    static let hiddenMember = "#labels"

    /// `a=1,b=2`.
    static func text(_ labels: JSONObject) -> String {
        labels.sortedByKey().map { "\($0.key)=\($0.value.stringValue ?? "")" }.joined(separator: ",")
    }
}

/// Ports in a list: `0.0.0.0:8080->80/tcp`, runs of ports together.
enum PortText {
    private struct Run {
        let ip: String
        let proto: String
        var first: Int64
        var last: Int64

        var text: String {
            let ports = first == last ? "\(first)" : "\(first)-\(last)"
            guard !ip.isEmpty else { return "\(ports)/\(proto)" }
            return "\(PortText.address(ip)):\(ports)->\(ports)/\(proto)"
        }
    }

    private static func address(_ ip: String) -> String { ip.contains(":") ? "[\(ip)]" : ip }

    static func text(_ ports: [JSONValue]) -> String {
        func key(_ port: JSONValue) -> (Int64, String, Int64, String) {
            (
                port["PrivatePort"]?.intValue ?? 0, port["IP"]?.stringValue ?? "", port["PublicPort"]?.intValue ?? 0,
                port["Type"]?.stringValue ?? "tcp"
            )
        }
        var runs: [Run] = []
        var done: [String] = []
        var mapped: [String] = []
        for (inside, ip, outside, proto) in ports.map(key).sorted(by: <) {
            if !ip.isEmpty, outside != inside {
                mapped.append("\(address(ip)):\(outside)->\(inside)/\(proto)")
                continue
            }
            guard let index = runs.firstIndex(where: { $0.ip == ip && $0.proto == proto }) else {
                runs.append(Run(ip: ip, proto: proto, first: inside, last: inside))
                continue
            }
            if inside == runs[index].last + 1 {
                runs[index].last = inside
            } else if inside != runs[index].last {
                done.append(runs[index].text)
                runs[index] = Run(ip: ip, proto: proto, first: inside, last: inside)
            }
        }
        return (done + runs.map(\.text) + mapped).joined(separator: ", ")
    }
}

/// The first twelve characters of an identifier, `sha256:` left out.
func shortID(_ id: String, whole: Bool = false) -> String {
    if whole { return id }
    let hex = id.hasPrefix("sha256:") ? id.dropFirst("sha256:".count) : id[...]
    return String(hex.prefix(12))
}

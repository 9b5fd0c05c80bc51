import Diagnostics
import JSONText
import Linux

/// `stackctl system df`: what takes space on disk.
enum DiskUsageCommand {
    private static let verbose = OptionDeclaration.flag("verbose", "v", "Each object by itself")

    static let declaration = CommandDeclaration(
        "df", summary: "Show what takes space on disk", options: [ListFormat.option, verbose, SharedOptions.json],
        action: run)

    private static let fields = [
        ListFormat.Field("Type", "TYPE"), .init("TotalCount", "TOTAL"), .init("Active", "ACTIVE"),
        .init("Size", "SIZE"), .init("Reclaimable", "RECLAIMABLE"),
    ]

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let format = try ListFormat(
            arguments.value(of: ListFormat.option), fields: fields,
            columns: "{{.Type}}\\t{{.TotalCount}}\\t{{.Active}}\\t{{.Size}}\\t{{.Reclaimable}}")
        let answer = try await invocation.daemon().get("/system/df")
        if arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        if arguments.isSet(verbose) {
            invocation.output.write(try verboseText(answer, now: Clock.now().seconds))
        } else {
            invocation.output.write(try format.render(rows(answer)))
        }
        return .success
    }

    /// One kind of object.
    private struct Sum {
        var total = 0
        var active = 0
        var bytes: Int64 = 0
        var inUse: Int64 = 0

        func row(_ kind: String, showsShare: Bool = true) -> JSONObject {
            let free = max(0, bytes - inUse)
            let share = bytes > 0 && showsShare ? " (\(free * 100 / bytes)%)" : ""
            return [
                "Type": .string(kind), "TotalCount": .string("\(total)"), "Active": .string("\(active)"),
                "Size": .string(HumanText.size(bytes)), "Reclaimable": .string(HumanText.size(free) + share),
            ]
        }
    }

    static func rows(_ answer: JSONValue) -> [JSONObject] {
        func items(_ key: String) -> [JSONValue] { answer[key]?.arrayValue ?? [] }
        func amount(_ value: JSONValue?) -> Int64 { max(0, value?.intValue ?? 0) }
        var images = Sum(bytes: amount(answer["LayersSize"]))
        for image in items("Images") {
            images.total += 1
            guard amount(image["Containers"]) > 0 else { continue }
            images.active += 1
            let size = amount(image["Size"])
            images.inUse += size - min(size, amount(image["SharedSize"]))
        }
        // What is shared by images in use is in use once.
        images.inUse = min(images.bytes, images.inUse)
        var containers = Sum()
        for container in items("Containers") {
            let size = amount(container["SizeRw"])
            let isActive = ["running", "paused", "restarting"].contains(container["State"]?.stringValue ?? "")
            containers.total += 1
            containers.active += isActive ? 1 : 0
            containers.bytes += size
            containers.inUse += isActive ? size : 0
        }
        var volumes = Sum()
        for volume in items("Volumes") {
            let size = amount(volume["UsageData"]?["Size"])
            let isActive = amount(volume["UsageData"]?["RefCount"]) > 0
            volumes.total += 1
            volumes.active += isActive ? 1 : 0
            volumes.bytes += size
            volumes.inUse += isActive ? size : 0
        }
        var cache = Sum()
        for entry in items("BuildCache") {
            let isActive = entry["InUse"]?.boolValue ?? false
            cache.total += 1
            cache.active += isActive ? 1 : 0
            guard entry["Shared"]?.boolValue != true else { continue }
            cache.bytes += amount(entry["Size"])
            cache.inUse += isActive ? amount(entry["Size"]) : 0
        }
        return [
            images.row("Images"), containers.row("Containers"), volumes.row("Local Volumes"),
            cache.row("Build Cache", showsShare: false),
        ]
    }

    private static func verboseText(_ answer: JSONValue, now: Int64) throws(Diagnostic) -> String {
        func items(_ key: String) -> [JSONValue] { answer[key]?.arrayValue ?? [] }
        let images = try ListFormat(
            nil, fields: ImagesCommand.fields,
            columns: "{{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}\\t{{.SharedSize}}"
                + "\\t{{.UniqueSize}}\\t{{.Containers}}")
        let containers = try ListFormat(
            nil, fields: ContainerRow.fields,
            columns: "{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.LocalVolumes}}\\t{{.Size}}\\t{{.RunningFor}}"
                + "\\t{{.Status}}\\t{{.Names}}")
        let volumes = try ListFormat(
            nil, fields: [.init("Name", "VOLUME NAME"), .init("Links", "LINKS"), .init("Size", "SIZE")],
            columns: "{{.Name}}\\t{{.Links}}\\t{{.Size}}")
        var text = "Images space usage:\n\n"
        text += try images.render(
            items("Images").flatMap { ImagesCommand.rows($0, digests: false, whole: false, now: now) })
        text += "\nContainers space usage:\n\n"
        text += try containers.render(items("Containers").map { ContainerRow.row($0, whole: false, now: now) })
        text += "\nLocal Volumes space usage:\n\n"
        text += try volumes.render(
            items("Volumes").map { volume in
                let size = volume["UsageData"]?["Size"]?.intValue ?? -1
                return [
                    "Name": .string(volume["Name"]?.stringValue ?? ""),
                    "Links": .string("\(volume["UsageData"]?["RefCount"]?.intValue ?? 0)"),
                    "Size": .string(size < 0 ? "N/A" : HumanText.size(size)),
                ]
            })
        let cache = items("BuildCache").reduce(Int64(0)) { $0 + max(0, $1["Size"]?.intValue ?? 0) }
        return text + "\nBuild cache usage: \(HumanText.size(cache))\n"
    }
}

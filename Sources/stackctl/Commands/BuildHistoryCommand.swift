import Diagnostics
import HTTP
import JSONText
import Linux

/// `stackctl builder history`, `du`: what was built, and what is kept for later builds.
enum BuildHistoryCommand {
    private static let build = OperandDeclaration("BUILD", "Identifier of a build, or its beginning")
    private static let builds = OperandDeclaration("BUILD", .any, "Identifiers of builds, or their beginnings")
    private static let all = OptionDeclaration.flag("all", "a", "Every build that is over")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the identifiers")

    static let declaration = CommandDeclaration(
        "history", summary: "Look at the builds of the past",
        subcommands: [
            CommandDeclaration(
                "ls", aliases: ["list"], summary: "List builds, newest first",
                options: [ListFormat.option, quiet, SharedOptions.json], action: list),
            CommandDeclaration(
                "inspect", summary: "Show a build, as JSON", operands: [build], options: [InspectCommand.format]
            ) { invocation in
                let entry = try await find(invocation)
                guard let format = try ObjectFormat(invocation.arguments.value(of: InspectCommand.format)) else {
                    invocation.output.print(json: entry)
                    return .success
                }
                invocation.output.print(try format.render(entry))
                return .success
            },
            CommandDeclaration("logs", summary: "Show what a build printed", operands: [build], action: logs),
            CommandDeclaration(
                "rm", aliases: ["remove"], summary: "Forget builds", operands: [builds], options: [all], action: remove),
        ])

    private static let fields = [
        ListFormat.Field("ID", "BUILD ID"), .init("Name", "NAME"), .init("Status", "STATUS"),
        .init("CreatedAt", "CREATED AT"), .init("Duration", "DURATION"), .init("Steps", "STEPS"),
    ]

    private static func list(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let format = try ListFormat(
            arguments.value(of: ListFormat.option), fields: fields,
            columns: "{{.ID}}\\t{{.Name}}\\t{{.Status}}\\t{{.CreatedAt}}\\t{{.Duration}}\\t{{.Steps}}",
            quiet: arguments.isSet(quiet) ? "{{.ID}}" : nil)
        let answer = try await invocation.daemon().get("/builds")
        if arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        let now = Clock.now()
        invocation.output.write(try format.render((answer.arrayValue ?? []).map { row($0, now: now) }))
        return .success
    }

    static func row(_ entry: JSONValue, now: Timestamp) -> JSONObject {
        func time(_ key: String) -> Timestamp? { entry[key]?.stringValue.flatMap { Timestamp(rfc3339: $0) } }
        let started = time("started") ?? now
        let taken = (time("finished") ?? now).since(started)
        let cached = entry["cachedSteps"]?.intValue ?? 0
        let age = HumanText.age(seconds: max(0, now.seconds - started.seconds))
        return [
            "ID": .string(entry["id"]?.stringValue ?? ""), "Name": .string(entry["name"]?.stringValue ?? ""),
            "Status": .string(entry["status"]?.stringValue ?? ""), "CreatedAt": .string("\(age) ago"),
            "Duration": .string(HumanText.elapsed(nanoseconds: taken.wholeNanoseconds)),
            "Steps": .string("\(entry["steps"]?.intValue ?? 0)" + (cached > 0 ? " (\(cached) cached)" : "")),
        ]
    }

    private static func find(_ invocation: Invocation) async throws -> JSONValue {
        try await invocation.daemon().get(Target("builds", invocation.arguments.operand(0) ?? "").text)
    }

    private static func logs(_ invocation: Invocation) async throws -> ExitCode {
        let target = Target("builds", invocation.arguments.operand(0) ?? "", "logs")
        let response = try await invocation.daemon().open("GET", target.text)
        let bytes = try await response.collect()
        invocation.output.write(TerminalText.lines(String(decoding: bytes, as: UTF8.self)))
        return .success
    }

    private static func remove(_ invocation: Invocation) async throws -> ExitCode {
        let daemon = try await invocation.daemon()
        if invocation.arguments.isSet(all) {
            _ = try await daemon.delete("/builds")
            return .success
        }
        guard !invocation.arguments.operands.isEmpty else {
            throw Diagnostic(
                code: "SC0107", summary: "BUILD is missing: which builds to forget",
                hint: "name them, or forget all with --all")
        }
        var code = ExitCode.success
        for id in invocation.arguments.operands {
            do {
                _ = try await daemon.delete(Target("builds", id).text)
                invocation.output.print(TerminalText.line(id))
            } catch {
                code = .failure
                invocation.output.show(Failure.diagnostics(error))
            }
        }
        return code
    }

    // MARK: Cache

    private static let verbose = OptionDeclaration.flag("verbose", nil, "All that is known of each")

    static let usage = CommandDeclaration(
        "du", summary: "Show what is kept for later builds",
        options: [ListFormat.option, verbose, SharedOptions.json], action: showUsage)

    private static let usageFields = [
        ListFormat.Field("ID", "ID"), .init("Reclaimable", "RECLAIMABLE"), .init("Size", "SIZE"),
        .init("LastUsedAt", "LAST ACCESSED"), .init("Type", "TYPE"), .init("Description", "DESCRIPTION"),
        .init("UsageCount", "USAGE COUNT"), .init("CreatedAt", "CREATED AT"), .init("Shared", "SHARED"),
    ]

    private static func showUsage(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let columns = "{{.ID}}\\t{{.Reclaimable}}\\t{{.Size}}\\t{{.LastUsedAt}}\\t{{.Type}}\\t{{.Description}}"
        let format = try ListFormat(
            arguments.value(of: ListFormat.option), fields: usageFields,
            columns: arguments.isSet(verbose)
                ? columns + "\\t{{.UsageCount}}\\t{{.CreatedAt}}\\t{{.Shared}}" : columns)
        let answer = try await invocation.daemon().get("/builds/cache")
        if arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        let records = answer.arrayValue ?? []
        let now = Clock.now()
        invocation.output.write(try format.render(records.map { usageRow($0, now: now) }))
        guard arguments.value(of: ListFormat.option) == nil else { return .success }
        func sum(_ isCounted: (JSONValue) -> Bool) -> String {
            HumanText.preciseSize(records.filter(isCounted).reduce(0) { $0 + max(0, $1["Size"]?.intValue ?? 0) })
        }
        invocation.output.print("\nShared:       \(sum { $0["Shared"]?.boolValue == true })")
        invocation.output.print("Private:      \(sum { $0["Shared"]?.boolValue != true })")
        invocation.output.print(
            "Reclaimable:  \(sum { $0["Shared"]?.boolValue != true && $0["InUse"]?.boolValue != true })")
        invocation.output.print("Total:        \(sum { _ in true })")
        return .success
    }

    static func usageRow(_ record: JSONValue, now: Timestamp) -> JSONObject {
        func age(_ key: String) -> String {
            guard let time = record[key]?.stringValue.flatMap({ Timestamp(rfc3339: $0) }) else { return "" }
            return HumanText.age(seconds: max(0, now.seconds - time.seconds)) + " ago"
        }
        let id = record["ID"]?.stringValue ?? ""
        return [
            "ID": .string(String(id.prefix(25))),
            "Reclaimable": .string("\(record["InUse"]?.boolValue != true)"),
            "Size": .string(HumanText.preciseSize(record["Size"]?.intValue ?? 0)),
            "LastUsedAt": .string(age("LastUsedAt")), "CreatedAt": .string(age("CreatedAt")),
            "Type": .string(record["Type"]?.stringValue ?? ""),
            "Description": .string(HumanText.ellipsis(TerminalText.line(record["Description"]?.stringValue ?? ""), 60)),
            "UsageCount": .string("\(record["UsageCount"]?.intValue ?? 0)"),
            "Shared": .string("\(record["Shared"]?.boolValue ?? false)"),
        ]
    }
}

import Diagnostics
import JSONText
import Linux

/// `stackctl history`: how an image came to be.
enum HistoryCommand {
    private static let human = OptionDeclaration.flag(
        "human", nil, "Ages and sizes for people; --human=false for dates and bytes")
    private static let long = OptionDeclaration.flag("no-trunc", nil, "Whole identifiers and commands")
    private static let platform = OptionDeclaration.value(
        "platform", nil, .text("OS/ARCH"), "The platform, where the image has several")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the identifiers")

    static let declaration = CommandDeclaration(
        "history", summary: "Show the steps by which an image was made",
        operands: [
            OperandDeclaration("IMAGE", "Reference or identifier of an image", completion: .names(.images))
        ],
        options: [ListFormat.option, human, long, platform, quiet], action: run)

    private static let fields = [
        ListFormat.Field("ID", "IMAGE"), .init("CreatedSince", "CREATED"), .init("CreatedAt", "CREATED AT"),
        .init("CreatedBy", "CREATED BY"), .init("Size", "SIZE"), .init("Comment", "COMMENT"),
    ]

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let isHuman = !arguments.isRefused(human)
        let format = try ListFormat(
            arguments.value(of: ListFormat.option), fields: fields,
            columns:
                "{{.ID}}\\t{{.\(isHuman ? "CreatedSince" : "CreatedAt")}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}",
            quiet: arguments.isSet(quiet) ? "{{.ID}}" : nil)
        let target = Target("images", arguments.operand(0) ?? "", "history")
            .with("platform", arguments.value(of: platform))
        let answer = try await invocation.daemon().get(target.text)
        let now = Clock.now().seconds
        let whole = arguments.isSet(long)
        let rows = (answer.arrayValue ?? []).map { row($0, whole: whole, isHuman: isHuman, now: now) }
        invocation.output.write(try format.render(rows))
        return .success
    }

    private static func row(_ step: JSONValue, whole: Bool, isHuman: Bool, now: Int64) -> JSONObject {
        let created = step["Created"]?.intValue ?? 0
        let size = step["Size"]?.intValue ?? 0
        let date = Timestamp(seconds: created).rfc3339Seconds
        let age = created > 0 ? HumanText.age(seconds: now - created) + " ago" : "N/A"
        let command = (step["CreatedBy"]?.stringValue ?? "").replacing("\t", with: " ")
        return [
            "Comment": .string(TerminalText.line(step["Comment"]?.stringValue ?? "")), "CreatedAt": .string(date),
            "CreatedBy": .string(TerminalText.line(whole ? command : HumanText.ellipsis(command, 45))),
            "CreatedSince": .string(isHuman ? age : date),
            "ID": .string(shortID(step["Id"]?.stringValue ?? "", whole: whole)),
            "Size": .string(isHuman ? HumanText.size(size) : "\(size)"),
        ]
    }
}

import Diagnostics
import JSONText
import Linux

/// Tidying up, of one kind of object or of all.
enum PruneCommands {
    private static let force = OptionDeclaration.flag("force", "f", "Do not ask; needed where there is no terminal")
    private static let filter = OptionDeclaration.list(
        "filter", nil, .pair("KEY=VALUE"), "Only those that match: until (a time or an age), label, label!")
    private static let allImages = OptionDeclaration.flag(
        "all", "a", "Every image that no container uses, not only those without a name")
    private static let allVolumes = OptionDeclaration.flag(
        "all", "a", "Every volume that no container uses, not only those without a name of their own")
    private static let volumes = OptionDeclaration.flag("volumes", nil, "Also volumes without a name of their own")

    private static let kept = "What a stack has recorded as its own stays, used or not."

    static let container = CommandDeclaration(
        "prune", summary: "Remove containers that do not run", discussion: kept, options: [filter, force]
    ) { invocation in
        try await run(invocation, "This will remove all stopped containers.") { [.containers(filters($0))] }
    }

    static let image = CommandDeclaration(
        "prune", summary: "Remove images that no container uses", discussion: kept, options: [allImages, filter, force]
    ) { invocation in
        let all = invocation.arguments.isSet(allImages)
        return try await run(
            invocation,
            all
                ? "This will remove all images without at least one container associated to them."
                : "This will remove all dangling images."
        ) { [.images(filters($0), all: all)] }
    }

    static let network = CommandDeclaration(
        "prune", summary: "Remove networks that no container is in", discussion: kept, options: [filter, force]
    ) { invocation in
        try await run(
            invocation, "This will remove all custom networks not used by at least one container."
        ) { [.networks(filters($0))] }
    }

    static let volume = CommandDeclaration(
        "prune", summary: "Remove volumes that no container mounts", discussion: kept,
        options: [allVolumes, filter, force]
    ) { invocation in
        let all = invocation.arguments.isSet(allVolumes)
        return try await run(
            invocation,
            "This will remove \(all ? "all" : "anonymous") local volumes not used by at least one container."
        ) { [.volumes(filters($0), all: all)] }
    }

    static let system = CommandDeclaration(
        "prune", summary: "Remove containers, networks, images and build cache that nothing uses", discussion: kept,
        options: [allImages, filter, force, volumes]
    ) { invocation in
        let all = invocation.arguments.isSet(allImages)
        let alsoVolumes = invocation.arguments.isSet(volumes)
        let filters = filters(invocation)
        guard !alsoVolumes || !filters.contains(where: { $0.key == "until" }) else {
            throw Diagnostic(
                code: "SC0193", summary: "the \"until\" filter is not supported with \"--volumes\"",
                hint: "prune the volumes on their own: stackctl volume prune")
        }
        let list =
            ["all stopped containers", "all networks not used by at least one container"]
            + (alsoVolumes ? ["all anonymous volumes not used by at least one container"] : [])
            + [all ? "all images without at least one container associated to them" : "all dangling images"]
            + [all ? "all build cache" : "unused build cache"]
        let question = "This will remove:\n" + list.map { "  - \($0)\n" }.joined()
        return try await run(invocation, question) { _ in
            [.containers(filters), .networks(filters)] + (alsoVolumes ? [.volumes(filters, all: false)] : [])
                + [
                    .images(filters, all: all),
                    .builds(Target("build", "prune").with("all", all).with(filters: filters)),
                ]
        }
    }

    private static let keepStorage = OptionDeclaration.value(
        "keep-storage", nil, .text("SIZE"), "Leave so much of the cache"
    ).named(also: "reserved-space")
    private static let mostUsed = OptionDeclaration.value(
        "max-used-space", nil, .text("SIZE"), "Leave no more than this of the cache")
    private static let leastFree = OptionDeclaration.value(
        "min-free-space", nil, .text("SIZE"), "Go on until so much of the disk is free")
    private static let allCache = OptionDeclaration.flag("all", "a", "Everything that no build uses now")

    /// `stackctl builder prune`.
    static let builder = CommandDeclaration(
        "prune", summary: "Remove what builds have cached",
        options: [allCache, filter, force, keepStorage, mostUsed, leastFree]
    ) { invocation in
        let all = invocation.arguments.isSet(allCache)
        func size(_ option: OptionDeclaration) throws(Diagnostic) -> String? {
            try invocation.arguments.value(of: option) { text throws(Reason) in try GoText.bytes(text) }
                .map { "\($0)" }
        }
        let (kept, most, free) = (try size(keepStorage), try size(mostUsed), try size(leastFree))
        return try await run(
            invocation, all ? "This will remove all build cache." : "This will remove all dangling build cache."
        ) { invocation in
            let target = Target("build", "prune").with("all", all).with(filters: filters(invocation))
                .with("reserved-space", kept).with("keep-storage", kept).with("max-used-space", most)
                .with("min-free-space", free)
            return [.builds(target)]
        }
    }

    private typealias Filters = [(key: String, value: String)]

    /// One request, and what is shown of its answer.
    private struct Step {
        let target: Target
        let key: String
        let heading: String

        static func containers(_ filters: Filters) -> Step {
            Step(
                target: Target("containers", "prune").with(filters: filters), key: "ContainersDeleted",
                heading: "Deleted Containers:")
        }

        static func networks(_ filters: Filters) -> Step {
            Step(
                target: Target("networks", "prune").with(filters: filters), key: "NetworksDeleted",
                heading: "Deleted Networks:")
        }

        static func volumes(_ filters: Filters, all: Bool) -> Step {
            Step(
                target: Target("volumes", "prune").with(filters: filters + (all ? [("all", "true")] : [])),
                key: "VolumesDeleted", heading: "Deleted Volumes:")
        }

        static func builds(_ target: Target) -> Step {
            Step(target: target, key: "CachesDeleted", heading: "Deleted build cache objects:")
        }

        static func images(_ filters: Filters, all: Bool) -> Step {
            Step(
                target: Target("images", "prune").with(filters: filters + [("dangling", all ? "false" : "true")]),
                key: "ImagesDeleted", heading: "Deleted Images:")
        }
    }

    private static func filters(_ invocation: Invocation) -> Filters { invocation.arguments.pairs(of: filter) }

    private static func run(
        _ invocation: Invocation, _ warning: String, _ steps: (Invocation) -> [Step]
    ) async throws -> ExitCode {
        let daemon = try await invocation.daemon()
        try await ask(warning, invocation)
        var reclaimed: Int64 = 0
        var tellsSpace = false
        for step in steps(invocation) {
            let answer = try await daemon.post(step.target.text)
            let lines = (answer[step.key]?.arrayValue ?? []).map(line)
            if !lines.isEmpty {
                invocation.output.print(step.heading)
                for line in lines { invocation.output.print(TerminalText.line(line)) }
                invocation.output.print()
            }
            if let space = answer["SpaceReclaimed"]?.intValue {
                reclaimed += space
                tellsSpace = true
            }
        }
        if tellsSpace { invocation.output.print("Total reclaimed space: \(HumanText.preciseSize(reclaimed))") }
        return .success
    }

    private static func line(_ value: JSONValue) -> String {
        if let name = value["Untagged"]?.stringValue { return "untagged: \(name)" }
        if let name = value["Deleted"]?.stringValue { return "deleted: \(name)" }
        return value.stringValue ?? ""
    }

    private static func ask(_ warning: String, _ invocation: Invocation) async throws {
        if invocation.arguments.isSet(force) { return }
        guard Terminal.isTerminal(0), invocation.output.style.isTerminal else {
            throw Diagnostic(
                code: "SC0192", summary: "there is no terminal to ask on, so nothing was removed",
                hint: "add --force to go ahead")
        }
        invocation.output.write("WARNING! \(warning)\nAre you sure you want to continue? [y/N] ")
        let answer = await Prompt.answer()
        guard ["y", "yes"].contains(answer.lowercased()) else {
            throw Diagnostic(code: "SC0173", summary: "not agreed, so nothing was removed")
        }
    }
}

import Diagnostics
import JSONText

/// `stackctl update`: changes the limits of containers while they run.
enum UpdateCommand {
    private static let options = [
        CreateOptions.memory, CreateOptions.memoryReservation, CreateOptions.memorySwap, CreateOptions.cpus,
        CreateOptions.cpuShares, CreateOptions.cpuPeriod, CreateOptions.cpuQuota, CreateOptions.cpuRealtimePeriod,
        CreateOptions.cpuRealtimeRuntime, CreateOptions.cpuSet, CreateOptions.memorySet, CreateOptions.pids,
        CreateOptions.blockWeight, CreateOptions.restart,
    ]

    static let declaration = CommandDeclaration(
        "update", summary: "Change the limits and the restart policy of containers",
        operands: [
            OperandDeclaration(
                "CONTAINER", .oneOrMore, "Names or identifiers of containers", completion: .names(.containers))
        ], options: options, action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        guard options.contains(where: { invocation.arguments.value(of: $0) != nil }) else {
            throw Diagnostic(
                code: "SC0203", summary: "you must provide one or more flags when using this command",
                hint: "`stackctl update --help` lists them")
        }
        let body = try body(invocation.arguments)
        var warnings: [String] = []
        let code = try await EachObject.run(invocation) { daemon, name in
            let answer = try await daemon.post(Target("containers", name, "update").text, body)
            warnings += (answer["Warnings"]?.arrayValue ?? []).compactMap(\.stringValue)
        }
        for warning in warnings { invocation.output.writeError("WARNING: \(TerminalText.line(warning))\n") }
        return code
    }

    static func body(_ arguments: ParsedArguments) throws(Diagnostic) -> JSONValue {
        var body: JSONObject = [:]
        body["Memory"] = try LimitWords.size(arguments, CreateOptions.memory)
        body["MemoryReservation"] = try LimitWords.size(arguments, CreateOptions.memoryReservation)
        body["MemorySwap"] = try LimitWords.swap(arguments)
        body["NanoCpus"] = try LimitWords.cpus(arguments)
        for (key, option) in [
            ("CpuShares", CreateOptions.cpuShares), ("CpuPeriod", CreateOptions.cpuPeriod),
            ("CpuQuota", CreateOptions.cpuQuota), ("CpuRealtimePeriod", CreateOptions.cpuRealtimePeriod),
            ("CpuRealtimeRuntime", CreateOptions.cpuRealtimeRuntime), ("PidsLimit", CreateOptions.pids),
        ] { body[key] = try LimitWords.integer(arguments, option) }
        body["BlkioWeight"] = try LimitWords.integer(arguments, CreateOptions.blockWeight, in: 0...65535)
        body["CpusetCpus"] = arguments.value(of: CreateOptions.cpuSet).map { .string($0) }
        body["CpusetMems"] = arguments.value(of: CreateOptions.memorySet).map { .string($0) }
        body["RestartPolicy"] = try CreateBody.restartPolicy(arguments.value(of: CreateOptions.restart))
        return .object(body)
    }
}

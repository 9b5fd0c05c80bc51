import Diagnostics
import JSONText
import Linux

/// `stackctl network …`.
enum NetworkCommand {
    private static let networks = OperandDeclaration(
        "NETWORK", .oneOrMore, "Names or identifiers of networks", completion: .names(.networks))
    private static let force = OptionDeclaration.flag("force", "f", "Do not complain when there is none of that name")
    private static let verbose = OptionDeclaration.flag("verbose", "v", "Also what only the daemon knows of it")
    private static let scope = OptionDeclaration.value(
        "scope", nil, .text("SCOPE"), "Only networks of this scope: local, global or swarm")

    static let declaration = CommandDeclaration(
        "network", summary: "Work with networks",
        subcommands: [
            NetworkListCommand.declaration, NetworkCreateCommand.declaration,
            CommandDeclaration(
                "inspect", summary: "Show everything about networks, as JSON", operands: [networks],
                options: [InspectCommand.format, scope, verbose]
            ) {
                try await InspectCommand.inspect($0, try await $0.daemon(), $0.arguments.operands, among: ["network"])
            },
            CommandDeclaration(
                "rm", aliases: ["remove"], summary: "Remove networks that no container uses", operands: [networks],
                options: [force], action: remove),
            NetworkConnectCommand.declaration, NetworkDisconnectCommand.declaration, PruneCommands.network,
        ])

    private static func remove(_ invocation: Invocation) async throws -> ExitCode {
        let isForced = invocation.arguments.isSet(force)
        let daemon = try await invocation.daemon()
        var code = ExitCode.success
        for name in invocation.arguments.operands {
            do {
                _ = try await daemon.delete(Target("networks", name).text)
                invocation.output.print(name)
            } catch {
                if isForced, (error as? StatusFailure)?.status == 404 { continue }
                code = .failure
                invocation.output.show(Failure.diagnostics(error))
            }
        }
        return code
    }
}

/// `stackctl network ls`.
enum NetworkListCommand {
    private static let filter = OptionDeclaration.list(
        "filter", "f", .pair("KEY=VALUE"), "Only those that match: driver, name, id, label, scope, type, dangling")
    private static let long = OptionDeclaration.flag("no-trunc", nil, "Whole identifiers")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the identifiers")

    static let declaration = CommandDeclaration(
        "ls", aliases: ["list"], summary: "List networks",
        options: [filter, ListFormat.option, long, quiet, SharedOptions.json], action: run)

    private static let fields = [
        ListFormat.Field("ID", "NETWORK ID"), .init("Name", "NAME"), .init("Driver", "DRIVER"),
        .init("Scope", "SCOPE"), .init("IPv4", "IPV4"), .init("IPv6", "IPV6"), .init("Internal", "INTERNAL"),
        .init("Labels", "LABELS"), .init("CreatedAt", "CREATED AT"), .init("Subnets", "SUBNETS"),
    ]

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let format = try ListFormat(
            arguments.value(of: ListFormat.option)
                ?? (arguments.isSet(quiet) ? nil : UserFiles.format("networksFormat")),
            fields: fields,
            columns: "{{.ID}}\\t{{.Name}}\\t{{.Driver}}\\t{{.Scope}}", quiet: arguments.isSet(quiet) ? "{{.ID}}" : nil)
        let target = Target("networks").with(filters: arguments.pairs(of: filter))
        let answer = try await invocation.daemon().get(target.text)
        if arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        let whole = arguments.isSet(long)
        let networks = (answer.arrayValue ?? []).sorted {
            ($0["Name"]?.stringValue ?? "") < ($1["Name"]?.stringValue ?? "")
        }
        invocation.output.write(try format.render(networks.map { row($0, whole: whole) }))
        return .success
    }

    private static func row(_ network: JSONValue, whole: Bool) -> JSONObject {
        func truth(_ key: String, _ otherwise: Bool = false) -> JSONValue {
            .string("\(network[key]?.boolValue ?? otherwise)")
        }
        let subnets = (network["IPAM"]?["Config"]?.arrayValue ?? []).compactMap { $0["Subnet"]?.stringValue }
        let created = network["Created"]?.stringValue.flatMap { Timestamp(rfc3339: $0) }
        return [
            "ID": .string(shortID(network["Id"]?.stringValue ?? "", whole: whole)),
            "Name": .string(network["Name"]?.stringValue ?? ""),
            "Driver": .string(network["Driver"]?.stringValue ?? ""),
            "Scope": .string(network["Scope"]?.stringValue ?? ""), "IPv4": truth("EnableIPv4", true),
            "IPv6": truth("EnableIPv6"), "Internal": truth("Internal"),
            "Labels": .string(LabelText.text(network["Labels"]?.objectValue ?? [:])),
            LabelText.hiddenMember: network["Labels"] ?? [:],
            "CreatedAt": .string(created.map { HumanText.goTime(seconds: $0.seconds) } ?? ""),
            "Subnets": .string(subnets.joined(separator: ", ")),
        ]
    }
}

/// `stackctl network create`.
enum NetworkCreateCommand {
    private static let driver = OptionDeclaration.value(
        "driver", "d", .text("NAME"), "Driver: bridge (default), macvlan or ipvlan")
    private static let subnet = OptionDeclaration.list("subnet", nil, .text("CIDR"), "Subnet, one for each family")
    private static let gateway = OptionDeclaration.list("gateway", nil, .text("IP"), "Gateway of a subnet")
    private static let range = OptionDeclaration.list(
        "ip-range", nil, .text("CIDR"), "Part of a subnet that addresses are given from")
    private static let reserved = OptionDeclaration.list(
        "aux-address", nil, .pair("NAME=IP"), "Address that is not given to containers")
    private static let isInternal = OptionDeclaration.flag("internal", nil, "No way out of the network")
    private static let attachable = OptionDeclaration.flag("attachable", nil, "Accepted for Docker's sake: all are")
    private static let ipv4 = OptionDeclaration.flag("ipv4", nil, "Give IPv4 addresses, as without it")
    private static let ipv6 = OptionDeclaration.flag("ipv6", nil, "Give IPv6 addresses")
    private static let label = OptionDeclaration.list("label", nil, .text("NAME=VALUE"), "Put a label on it")
    private static let option = OptionDeclaration.list("opt", "o", .text("NAME=VALUE"), "Option of the driver")
    private static let ipamDriver = OptionDeclaration.value("ipam-driver", nil, .text("NAME"), "Driver of addresses")
    private static let ipamOption = OptionDeclaration.list(
        "ipam-opt", nil, .text("NAME=VALUE"), "Option of the driver of addresses")
    private static let configOnly = OptionDeclaration.flag(
        "config-only", nil, "Only a configuration that other networks take")
    private static let configFrom = OptionDeclaration.value(
        "config-from", nil, .text("NETWORK"), "Take the configuration of another network"
    ).offering(.networks)
    private static let scope = OptionDeclaration.value("scope", nil, .text("SCOPE"), "Scope of the network")
    private static let ingress = OptionDeclaration.flag("ingress", nil, "Only of swarms: refused")

    static let declaration = CommandDeclaration(
        "create", summary: "Make a network", operands: [OperandDeclaration("NAME", "Its name")],
        options: [
            attachable, reserved, configFrom, configOnly, driver, gateway, ingress, isInternal, range, ipamDriver,
            ipamOption, ipv4, ipv6, label, option, scope, subnet,
        ], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let body = try body(invocation.arguments)
        let answer = try await invocation.daemon().post(Target("networks", "create").text, body)
        if let warning = answer["Warning"]?.stringValue, !warning.isEmpty {
            invocation.output.writeError("WARNING: \(TerminalText.line(warning))\n")
        }
        invocation.output.print(answer["Id"]?.stringValue ?? "")
        return .success
    }

    static func body(_ arguments: ParsedArguments) throws(Diagnostic) -> JSONValue {
        var body: JSONObject = [
            "Name": .string(arguments.operand(0) ?? ""), "Driver": .string(arguments.value(of: driver) ?? "bridge"),
            "Internal": .bool(arguments.isSet(isInternal)), "Attachable": .bool(arguments.isSet(attachable)),
            "Ingress": .bool(arguments.isSet(ingress)), "ConfigOnly": .bool(arguments.isSet(configOnly)),
            "Options": CreateBody.object(arguments.values(of: option)) ?? [:],
            "Labels": CreateBody.object(arguments.values(of: label)) ?? [:],
            "IPAM": [
                "Driver": .string(arguments.value(of: ipamDriver) ?? "default"),
                "Options": CreateBody.object(arguments.values(of: ipamOption)) ?? [:],
                "Config": .array(try pools(arguments)),
            ],
        ]
        if arguments.isGiven(ipv4) { body["EnableIPv4"] = .bool(arguments.isSet(ipv4)) }
        if arguments.isGiven(ipv6) { body["EnableIPv6"] = .bool(arguments.isSet(ipv6)) }
        if let scope = arguments.value(of: scope) { body["Scope"] = .string(scope) }
        if let network = arguments.value(of: configFrom) { body["ConfigFrom"] = ["Network": .string(network)] }
        return .object(body)
    }

    /// A range of addresses.
    private struct Prefix {
        let text: String
        let bytes: [UInt8]
        let length: Int

        init?(_ text: String) {
            let (address, length) = CommaSeparated.cut(text, at: "/")
            guard let parsed = IPAddress(address), let length = length.flatMap({ Int($0) }),
                (0...parsed.bytes.count * 8).contains(length)
            else { return nil }
            self.text = text
            bytes = parsed.bytes
            self.length = length
        }

        func contains(_ other: [UInt8]) -> Bool {
            guard other.count == bytes.count else { return false }
            return (0..<length).allSatisfy { bit in
                let mask = UInt8(0x80) >> UInt8(bit % 8)
                return bytes[bit / 8] & mask == other[bit / 8] & mask
            }
        }
    }

    private static func prefix(_ option: OptionDeclaration, _ text: String) throws(Diagnostic) -> Prefix {
        guard let prefix = Prefix(text) else {
            throw FlagProblem.invalid(
                option, text, "invalid CIDR address: \(text)", hint: "write --\(option.long) 172.30.0.0/24")
        }
        return prefix
    }

    private static func address(_ option: OptionDeclaration, _ text: String) throws(Diagnostic) -> [UInt8] {
        guard let address = IPAddress(text) else {
            throw FlagProblem.invalid(option, text, "invalid string being converted to IP address: \(text)")
        }
        return address.bytes
    }

    /// Comma-separated as well as repeated.
    private static func words(_ arguments: ParsedArguments, _ option: OptionDeclaration) -> [String] {
        arguments.values(of: option).flatMap { $0.split(separator: ",").map(String.init) }
    }

    /// The subnets, each with its range, its gateway and its reserved addresses.
    private static func pools(_ arguments: ParsedArguments) throws(Diagnostic) -> [JSONValue] {
        var subnets: [Prefix] = []
        for text in words(arguments, subnet) { subnets.append(try prefix(subnet, text)) }
        for (index, one) in subnets.enumerated() {
            for other in subnets[..<index] where one.contains(other.bytes) || other.contains(one.bytes) {
                throw FlagProblem.sentence("multiple overlapping subnet configuration is not supported")
            }
        }
        let ranges = words(arguments, range)
        let gateways = words(arguments, gateway)
        if subnets.count < gateways.count || subnets.count < ranges.count {
            throw FlagProblem.sentence(
                "every ip-range or gateway must have a corresponding subnet", hint: "add --subnet CIDR")
        }
        var pools = subnets.map { ["Subnet": .string($0.text)] as JSONObject }
        func pool(_ bytes: [UInt8], _ what: String, _ text: String) throws(Diagnostic) -> Int {
            guard let index = subnets.firstIndex(where: { $0.contains(bytes) }) else {
                throw FlagProblem.sentence("no matching subnet for \(what) \(text)")
            }
            return index
        }
        for text in ranges {
            let index = try pool(try prefix(range, text).bytes, "range", text)
            if let earlier = pools[index]["IPRange"]?.stringValue {
                throw FlagProblem.sentence(
                    "cannot configure multiple ranges (\(text), \(earlier)) on the same subnet (\(subnets[index].text))"
                )
            }
            pools[index]["IPRange"] = .string(text)
        }
        for text in gateways {
            let index = try pool(try address(gateway, text), "gateway", text)
            if let earlier = pools[index]["Gateway"]?.stringValue {
                throw FlagProblem.sentence(
                    "cannot configure multiple gateways (\(text), \(earlier)) for the same subnet "
                        + "(\(subnets[index].text))")
            }
            pools[index]["Gateway"] = .string(text)
        }
        for (name, text) in arguments.pairs(of: reserved) {
            let index = try pool(try address(reserved, text), "aux-address", text)
            var members = pools[index]["AuxiliaryAddresses"]?.objectValue ?? [:]
            members[name] = .string(text)
            pools[index]["AuxiliaryAddresses"] = .object(members)
        }
        return pools.map { .object($0) }
    }
}

/// `stackctl network connect`.
enum NetworkConnectCommand {
    private static let alias = OptionDeclaration.list("alias", nil, .text("NAME"), "Further name of it on the network")
    private static let driverOption = OptionDeclaration.list(
        "driver-opt", nil, .text("NAME=VALUE"), "Option of the driver")
    private static let priority = OptionDeclaration.value(
        "gw-priority", nil, .text("N"), "The network with the highest has the default gateway")

    static let declaration = CommandDeclaration(
        "connect", summary: "Connect a container to a network, while it runs too",
        operands: [
            OperandDeclaration("NETWORK", "Name or identifier of a network", completion: .names(.networks)),
            OperandDeclaration("CONTAINER", "Name or identifier of a container", completion: .names(.containers)),
        ],
        options: [
            alias, driverOption, priority, CreateOptions.ip, CreateOptions.ip6, CreateOptions.link,
            CreateOptions.linkLocal,
        ], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        var attachment = NetworkAttachment(target: arguments.operand(0) ?? "")
        attachment.aliases = arguments.values(of: alias)
        attachment.driverOptions = arguments.values(of: driverOption)
        attachment.gatewayPriority = try arguments.value(of: priority) { text throws(Reason) in
            try GoText.integer(text)
        }
        attachment.ip = try arguments.value(of: CreateOptions.ip) { text throws(Reason) in try IPText.flag(text) }
        attachment.ip6 = try arguments.value(of: CreateOptions.ip6) { text throws(Reason) in try IPText.flag(text) }
        attachment.links = arguments.values(of: CreateOptions.link)
        attachment.linkLocal = arguments.values(of: CreateOptions.linkLocal)
        // What the network does not allow is the daemon's to say here.
        let settings = try attachment.settings()
        let body: JSONValue = [
            "Container": .string(arguments.operand(1) ?? ""), "EndpointConfig": .object(settings),
        ]
        _ = try await invocation.daemon().post(Target("networks", attachment.target, "connect").text, body)
        return .success
    }
}

/// `stackctl network disconnect`.
enum NetworkDisconnectCommand {
    private static let force = OptionDeclaration.flag("force", "f", "Also where the container cannot be asked")

    static let declaration = CommandDeclaration(
        "disconnect", summary: "Take a container off a network",
        operands: [
            OperandDeclaration("NETWORK", "Name or identifier of a network", completion: .names(.networks)),
            OperandDeclaration("CONTAINER", "Name or identifier of a container", completion: .names(.containers)),
        ],
        options: [force]
    ) { invocation in
        let arguments = invocation.arguments
        let body: JSONValue = [
            "Container": .string(arguments.operand(1) ?? ""), "Force": .bool(arguments.isSet(force)),
        ]
        let target = Target("networks", arguments.operand(0) ?? "", "disconnect")
        _ = try await invocation.daemon().post(target.text, body)
        return .success
    }
}

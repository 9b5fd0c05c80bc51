extension ComposeSchema {
    /// A compose file.
    static let file = SchemaType.object(
        SchemaObject(
            "a compose file",
            [
                "version": .either([.string, .number(0)]),
                "name": .text(.notEmpty),
                "include": .list(.either([.string, .object(include)])),
                "services": .map(.name, .object(service)),
                "networks": .map(.name, .either([.object(network), .null])),
                "volumes": .map(.name, .either([.object(volume), .null])),
                "secrets": .map(.name, .object(secret)),
                "configs": .map(.name, .object(config)),
                "models": .map(.name, .object(model)),
            ],
            instead: [
                "service": "write \"services:\"", "volume": "write \"volumes:\"", "network": "write \"networks:\"",
                "project": "write \"name:\"", "project_name": "write \"name:\"",
                "extends": "\"extends\" belongs to a service; whole files come in by \"include:\"",
                "environment": "\"environment\" belongs to a service; values for the file itself are in .env",
            ]))

    private static let include = SchemaObject(
        "an include",
        ["path": .stringOrStrings, "env_file": .stringOrStrings, "project_directory": .string], isExtensible: false,
        instead: ["file": "write \"path:\"", "files": "write \"path:\""])

    /// `true`, or in old files a map with a name.
    private static let external = SchemaType.either([
        .flag, .object(SchemaObject("external", ["name": .string])),
    ])

    private static let network = SchemaObject(
        "a network",
        [
            "name": .string, "driver": .string, "driver_opts": .options, "external": external, "internal": .flag,
            "enable_ipv4": .flag, "enable_ipv6": .flag, "attachable": .flag, "labels": .variables,
            "ipam": .object(
                SchemaObject(
                    "ipam",
                    [
                        "driver": .string, "options": .map(.any, .string),
                        "config": .list(
                            .object(
                                SchemaObject(
                                    "an address range",
                                    [
                                        "subnet": .text(.subnet), "ip_range": .text(.subnet),
                                        "gateway": .text(.address),
                                        "aux_addresses": .map(.any, .text(.address)),
                                    ]))),
                    ],
                    instead: ["subnet": "write it below \"config:\", as \"- subnet: …\""])),
        ],
        instead: [
            "subnet": "write it below \"ipam:\" and \"config:\"", "options": "write \"driver_opts:\"",
            "ipv6": "write \"enable_ipv6:\"",
        ])

    private static let volume = SchemaObject(
        "a volume",
        [
            "name": .string, "driver": .string, "driver_opts": .options, "external": external, "labels": .variables,
        ],
        instead: ["options": "write \"driver_opts:\"", "opts": "write \"driver_opts:\""])

    private static let secret = SchemaObject(
        "a secret",
        [
            "name": .string, "environment": .string, "file": .string, "external": external, "labels": .variables,
            "driver": .string, "driver_opts": .options, "template_driver": .string,
        ],
        isCompleteAlone: false,
        instead: [
            "content": "a secret comes from \"file:\" or \"environment:\"; only a config has \"content:\"",
            "path": "write \"file:\"", "env": "write \"environment:\"",
        ],
        exclusive: [["file", "environment"]])

    private static let config = SchemaObject(
        "a config",
        [
            "name": .string, "content": .string, "environment": .string, "file": .string, "external": external,
            "labels": .variables, "template_driver": .string,
        ],
        isCompleteAlone: false, instead: ["path": "write \"file:\"", "env": "write \"environment:\""],
        exclusive: [["file", "environment", "content"]])

    private static let model = SchemaObject(
        "a model",
        ["name": .string, "model": .string, "context_size": .count, "runtime_flags": .strings],
        required: ["model"], isCompleteAlone: false)
}

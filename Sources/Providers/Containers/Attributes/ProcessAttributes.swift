import Engine
import JSONText
import Linux

/// What a container runs, and as whom.
enum ProcessAttributes {
    static let all: [ContainerAttribute] = [
        ContainerAttribute(
            "image", .recreate,
            read: { reader, _ in reader.text("image", { $0.isEmpty ? nil : $0 }, expected: "an image") },
            write: { $1.image = $0?.stringValue ?? "" },
            see: { sight, _ in .string(sight.image) }),
        arguments("command", \.command),
        arguments("entrypoint", \.entrypoint),
        ContainerAttribute(
            "env", .recreate,
            read: { reader, _ in reader.dictionary("env") },
            write: { value, specification in
                let values = JSONObject([("env", value ?? .null)]).strings("env")
                specification.env = values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            },
            see: { sight, _ in .object(.strings(sight.specification.environment)) }),
        // Written after `env`, whose list it goes on.
        ContainerAttribute(
            "unsetEnv", .recreate,
            read: { reader, _ in reader.names("unsetEnv") },
            write: { value, specification in
                specification.env += value?.arrayValue?.compactMap(\.stringValue) ?? []
            },
            see: { sight, _ in
                let names = sight.specification.unsetVariables
                return names.isEmpty ? nil : .strings(names.sorted())
            }),
        .text("user", \.user, .recreate),
        .text("workdir", \.workingDirectory, .recreate, expected: "an absolute path") { text in
            text.isEmpty || text.hasPrefix("/") ? text : nil
        },
        .text("hostname", \.hostname, .restart, expected: "a name of at most 64 bytes") { text in
            text.utf8.count <= 64 ? text : nil
        },
        .text("domainname", \.domainname, .restart, expected: "a name of at most 64 bytes") { text in
            text.utf8.count <= 64 ? text : nil
        },
        .flag("tty", \.tty, .restart),
        .flag("openStdin", \.openStdin, .restart),
        .flag("init", \.usesInit, .restart),
        .texts("groups", \.hostSettings.groups, .restart, isSet: true),
        ulimits,
    ]

    /// The image's own, or none where the list is empty, come in its place: an empty list is as it was asked for.
    private static func arguments(_ name: String, _ member: ContainerAttribute.Member<[String]?>) -> ContainerAttribute
    {
        ContainerAttribute(
            name, .recreate,
            read: { reader, _ in reader.strings(name) },
            write: { value, specification in
                specification[keyPath: member] = value?.arrayValue?.compactMap(\.stringValue)
            },
            see: { sight, asked in
                let found = sight.specification[keyPath: member]
                if let asked, asked == [] || asked == [""], found?.isEmpty ?? true || name == "command" { return asked }
                return found.map { .strings($0) }
            })
    }

    private static let ulimits = ContainerAttribute(
        "ulimits", .restart,
        read: { reader, _ in
            reader.members("ulimits") { name, reader in
                for side in ["soft", "hard"] { reader.integer(side, in: -1...Int64.max) }
                guard HostSettings.Ulimit(name: name, soft: 0, hard: 0).resourceLimit != nil else {
                    return reader.refuse("there is no limit \"\(name)\"", hint: "such as nofile, nproc or memlock")
                }
            }
        },
        write: { value, specification in
            specification.hostSettings.ulimits = (value?.objectValue ?? JSONObject()).map { name, limit in
                let soft = limit["soft"]?.intValue ?? limit["hard"]?.intValue ?? 0
                return HostSettings.Ulimit(name: name, soft: soft, hard: limit["hard"]?.intValue ?? soft)
            }
        },
        see: { sight, _ in
            .object(
                JSONObject(
                    sight.specification.hostSettings.ulimits.map { limit in
                        (limit.name, ["soft": .int(limit.soft), "hard": .int(limit.hard)])
                    }))
        })
}

extension AttributeReader {
    /// Copies a set of names of variables.
    mutating func names(_ key: String) {
        texts(key, isSet: true, expected: "the name of a variable") { name in
            name.isEmpty || name.contains("=") ? nil : name
        }
    }
}

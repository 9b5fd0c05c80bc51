extension ComposeSchema {
    static let deploy = SchemaObject(
        "deploy",
        [
            "mode": .text(.one(of: ["replicated", "global", "replicated-job", "global-job"])),
            "endpoint_mode": .text(.one(of: ["vip", "dnsrr"])),
            "replicas": .count,
            "labels": .variables,
            "update_config": .object(rollout("update_config", failureActions: ["continue", "rollback", "pause"])),
            "rollback_config": .object(rollout("rollback_config", failureActions: ["continue", "pause"])),
            "resources": .object(
                SchemaObject(
                    "resources", ["limits": .object(limits), "reservations": .object(reservations)],
                    instead: [
                        "limit": "write \"limits:\"", "reservation": "write \"reservations:\"",
                        "cpus": "write it below \"limits:\"", "memory": "write it below \"limits:\"",
                    ])),
            "restart_policy": .object(
                SchemaObject(
                    "restart_policy",
                    [
                        "condition": .text(.one(of: ["none", "on-failure", "any", "always", "unless-stopped"])),
                        "delay": .duration, "max_attempts": .count, "window": .duration,
                    ])),
            "placement": .object(
                SchemaObject(
                    "placement",
                    [
                        "constraints": .strings,
                        "preferences": .list(.object(SchemaObject("a preference", ["spread": .string]))),
                        "max_replicas_per_node": .count,
                    ])),
        ],
        instead: [
            "limits": "write it below \"resources:\"", "reservations": "write it below \"resources:\"",
            "restart": "write \"restart_policy:\", or \"restart:\" beside \"deploy\"", "scale": "write \"replicas:\"",
        ])

    private static func rollout(_ name: String, failureActions: [String]) -> SchemaObject {
        SchemaObject(
            name,
            [
                "parallelism": .count, "delay": .duration, "failure_action": .text(.one(of: failureActions)),
                "monitor": .duration, "max_failure_ratio": .number(0),
                "order": .text(.one(of: ["start-first", "stop-first"])),
            ])
    }

    private static let limits = SchemaObject(
        "limits", ["cpus": .number(0), "memory": .text(.size), "pids": .anyWhole],
        instead: ["cpu": "write \"cpus:\"", "mem": "write \"memory:\"", "mem_limit": "write \"memory:\""])

    private static let reservations = SchemaObject(
        "reservations",
        [
            "cpus": .number(0), "memory": .text(.size), "devices": .list(.object(deviceReservation)),
            "generic_resources": .list(
                .object(
                    SchemaObject(
                        "a resource",
                        [
                            "discrete_resource_spec": .object(
                                SchemaObject("a resource", ["kind": .string, "value": .count]))
                        ]))),
        ],
        instead: ["cpu": "write \"cpus:\"", "mem": "write \"memory:\""])

    private static let deviceAttributes: [String: SchemaType] = [
        "capabilities": .strings, "count": .either([.whole(-1...Int64.max), .text(.one(of: ["all"]))]),
        "device_ids": .strings, "driver": .string, "options": .variables,
    ]

    /// Devices such as GPUs that a service reserves.
    private static let deviceReservation = SchemaObject(
        "a device", deviceAttributes, required: ["capabilities"], exclusive: [["count", "device_ids"]])

    /// The same below `gpus`, where the capability goes without saying.
    static let deviceRequest = SchemaObject("a device", deviceAttributes, exclusive: [["count", "device_ids"]])
}

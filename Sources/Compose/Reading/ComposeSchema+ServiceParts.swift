extension ComposeSchema {
    static let blockDevices = SchemaObject(
        "blkio_config",
        [
            "device_read_bps": .list(.object(deviceRate)), "device_read_iops": .list(.object(deviceRate)),
            "device_write_bps": .list(.object(deviceRate)), "device_write_iops": .list(.object(deviceRate)),
            "weight": .whole(0...1000),
            "weight_device": .list(
                .object(
                    SchemaObject(
                        "a device", ["path": .string, "weight": .whole(0...1000)], required: ["path", "weight"],
                        isExtensible: false))),
        ],
        isExtensible: false)

    private static let deviceRate = SchemaObject(
        "a device", ["path": .string, "rate": .size], required: ["path", "rate"], isExtensible: false)

    static let dependency = SchemaObject(
        "a dependency",
        [
            "condition": .text(.one(of: ["service_started", "service_healthy", "service_completed_successfully"])),
            "restart": .flag, "required": .flag,
        ],
        required: ["condition"])

    static let device = SchemaObject(
        "a device", ["source": .string, "target": .string, "permissions": .string], required: ["source"])

    static let environmentFile = SchemaObject(
        "an environment file",
        ["path": .string, "format": .text(.one(of: ["raw", "dotenv"])), "required": .flag], required: ["path"],
        isExtensible: false)

    static let extends = SchemaObject(
        "extends", ["service": .string, "file": .string], required: ["service"], isExtensible: false)

    static let healthcheck = SchemaObject(
        "a healthcheck",
        [
            "disable": .flag, "interval": .duration, "retries": .count,
            "test": .either([.string, .list(.string, rule: .test)]), "timeout": .duration, "start_period": .duration,
            "start_interval": .duration,
        ],
        instead: [
            "cmd": "write \"test:\"", "command": "write \"test:\"", "start-period": "write \"start_period:\"",
            "start-interval": "write \"start_interval:\"",
        ])

    static let modelUse = SchemaObject("a model", ["endpoint_var": .string, "model_var": .string])

    /// A network a service is in.
    static let attachment = SchemaObject(
        "a network of a service",
        [
            "aliases": .strings, "interface_name": .string, "ipv4_address": .text(.ipv4), "ipv6_address": .text(.ipv6),
            "link_local_ips": .list(.text(.address)), "mac_address": .text(.hardwareAddress), "driver_opts": .options,
            "priority": .anyWhole, "gw_priority": .anyWhole,
        ],
        instead: [
            "ip": "write \"ipv4_address:\"", "ip_address": "write \"ipv4_address:\"", "alias": "write \"aliases:\"",
        ])

    static let port = SchemaObject(
        "a port",
        [
            "name": .string, "mode": .text(.one(of: ["ingress", "host"])), "host_ip": .text(.address),
            "target": .whole(1...65535), "published": .either([.text(.published), .whole(0...65535)]),
            "protocol": .text(.one(of: ["tcp", "udp", "sctp"])), "app_protocol": .string,
        ],
        required: ["target"],
        instead: [
            "host": "write \"published:\", and an address as \"host_ip:\"", "container": "write \"target:\"",
            "source": "write \"published:\"", "port": "write \"target:\"",
        ])

    private static let hookAttributes: [String: SchemaType] = [
        "command": command, "user": .string, "privileged": .flag, "working_dir": .string, "environment": .variables,
    ]

    static let hook = SchemaObject("a hook", hookAttributes, required: ["command"])

    static let startHook = SchemaObject(
        "a hook", hookAttributes.merging(["image": .string, "per_replica": .flag]) { first, _ in first })

    static let provider = SchemaObject(
        "a provider",
        ["type": .string, "options": .map(.any, .either([.scalar, .list(.scalar)]))], required: ["type"],
        isCompleteAlone: false)

    /// A volume, directory or file in a service.
    static let mount = SchemaObject(
        "a volume of a service",
        [
            "type": .text(.one(of: ["bind", "volume", "tmpfs", "cluster", "npipe", "image"])), "source": .string,
            "target": .string, "read_only": .flag, "consistency": .string,
            "bind": .object(
                SchemaObject(
                    "bind",
                    [
                        "propagation": .text(
                            .one(of: ["rprivate", "private", "rshared", "shared", "rslave", "slave"])),
                        "create_host_path": .flag,
                        "recursive": .text(.one(of: ["enabled", "disabled", "writable", "readonly"])),
                        "selinux": .text(.one(of: ["z", "Z"])),
                    ])),
            "volume": .object(
                SchemaObject("volume", ["labels": .variables, "nocopy": .flag, "subpath": .string])),
            "tmpfs": .object(
                SchemaObject("tmpfs", ["size": .size, "mode": .mode])),
            "image": .object(SchemaObject("image", ["subpath": .string])),
        ],
        required: ["type", "target"],
        instead: [
            "readonly": "write \"read_only:\"", "ro": "write \"read_only: true\"", "src": "write \"source:\"",
            "dst": "write \"target:\"", "destination": "write \"target:\"", "name": "write \"source:\"",
            "nocopy": "write it below \"volume:\"", "size": "write it below \"tmpfs:\"",
            "propagation": "write it below \"bind:\"", "create_host_path": "write it below \"bind:\"",
        ])

    static let build = SchemaObject(
        "a build",
        [
            "additional_contexts": .variables, "args": .variables, "cache_from": .strings, "cache_to": .strings,
            "context": .string, "dockerfile": .string, "dockerfile_inline": .string, "entitlements": .strings,
            "extra_hosts": extraHosts, "isolation": .string, "labels": .variables, "network": .string,
            "no_cache": .flag, "no_cache_filter": .stringOrStrings, "platforms": .strings, "privileged": .flag,
            "provenance": .either([.string, .flag]), "pull": .flag, "sbom": .either([.string, .flag]),
            "secrets": .list(.either([.string, .object(grant("a secret"))])), "shm_size": .size, "ssh": .variables,
            "tags": .strings, "target": .string, "ulimits": ulimits,
        ],
        instead: [
            "image": "\"image\" belongs to the service, beside \"build\"", "file": "write \"dockerfile:\"",
            "path": "write \"context:\"", "arg": "write \"args:\"", "build_args": "write \"args:\"",
            "platform": "write \"platforms:\" with a list", "tag": "write \"tags:\" with a list",
        ],
        exclusive: [["dockerfile", "dockerfile_inline"]])

    static let develop = SchemaObject(
        "develop",
        [
            "watch": .list(
                .object(
                    SchemaObject(
                        "a watch",
                        [
                            "ignore": .stringOrStrings, "include": .stringOrStrings, "path": .text(.notEmpty),
                            "action": .text(
                                .one(of: ["rebuild", "sync", "restart", "sync+restart", "sync+exec"])),
                            "target": .string, "exec": .object(hook), "initial_sync": .flag,
                        ],
                        required: ["path", "action"])))
        ])
}

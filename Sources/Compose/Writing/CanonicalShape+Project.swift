extension CanonicalShape {
    /// A service.
    static let service = members(
        [
            "name", "profiles", "annotations", "attach", "build", "develop", "blkio_config", "cap_add", "cap_drop",
            "cgroup_parent", "cgroup", "cpu_count", "cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period",
            "cpu_rt_runtime", "cpus", "cpuset", "cpu_shares", "command", "configs", "container_name",
            "credential_spec", "depends_on", "deploy", "device_cgroup_rules", "devices", "dns", "dns_opt",
            "dns_search", "domainname", "entrypoint", "provider", "environment", "env_file", "expose", "extends",
            "external_links", "extra_hosts", "group_add", "gpus", "hostname", "healthcheck", "image", "init", "ipc",
            "isolation", "labels", "label_file", "links", "logging", "mem_limit", "mem_reservation", "memswap_limit",
            "mem_swappiness", "mac_address", "models", "network_mode", "networks", "oom_kill_disable",
            "oom_score_adj", "pid", "pids_limit", "platform", "ports", "privileged", "pull_policy", "read_only",
            "restart", "runtime", "scale", "secrets", "security_opt", "shm_size", "stdin_open", "stop_grace_period",
            "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty", "ulimits", "use_api_socket", "user",
            "userns_mode", "uts", "volumes", "volumes_from", "working_dir", "pre_start", "post_start", "pre_stop",
        ],
        [
            "build": build, "develop": members(["watch"], ["watch": list(watch)]), "blkio_config": blockInput,
            "configs": list(grant), "secrets": list(grant), "depends_on": each(dependency), "deploy": deploy,
            "devices": list(members(["source", "target", "permissions"])),
            "env_file": list(members(["path", "required", "format"], optOut: ["required"])),
            "extends": members(["file", "service"]), "gpus": list(deviceRequest), "healthcheck": healthcheck,
            "logging": members(["driver", "options"]), "networks": each(attachment), "ports": list(port),
            "ulimits": each(ulimit), "volumes": list(mount), "pre_start": list(hook), "post_start": list(hook),
            "pre_stop": list(hook), "provider": members(["type", "options"]),
            "models": each(members(["endpoint_var", "model_var"])),
            "credential_spec": members(["config", "file", "registry"]),
        ],
        kept: [
            "attach", "build", "command", "entrypoint", "init", "scale", "deploy", "develop", "healthcheck", "logging",
            "stop_grace_period",
        ],
        filled: ["command": .null, "entrypoint": .null])

    /// A network of the project.
    static let network = members(
        [
            "name", "driver", "driver_opts", "ipam", "external", "internal", "attachable", "labels", "enable_ipv4",
            "enable_ipv6",
        ],
        [
            "ipam": members(
                ["driver", "config", "options"],
                ["config": list(members(["subnet", "gateway", "ip_range", "aux_addresses"]))])
        ],
        kept: ["enable_ipv4", "enable_ipv6"], filled: ["ipam": .empty])

    /// A volume of the project.
    static let volume = members(["name", "driver", "driver_opts", "external", "labels"])

    /// A secret or a config of the project.
    static let file = members([
        "name", "file", "environment", "content", "external", "labels", "driver", "driver_opts", "template_driver",
    ])

    /// A model of the project.
    static let model = members(["name", "model", "context_size", "runtime_flags"])

    private static let build = members(
        [
            "context", "dockerfile", "dockerfile_inline", "entitlements", "args", "provenance", "sbom", "ssh", "labels",
            "cache_from", "cache_to", "no_cache", "no_cache_filter", "additional_contexts", "pull", "extra_hosts",
            "isolation", "network", "target", "secrets", "shm_size", "tags", "ulimits", "platforms", "privileged",
        ], ["secrets": list(grant), "ulimits": each(ulimit)])

    private static let watch = members(
        ["path", "action", "target", "exec", "include", "ignore", "initial_sync"], ["exec": hook])

    private static let hook = members(
        ["command", "image", "user", "privileged", "working_dir", "environment", "per_replica"], kept: ["command"])

    private static let blockInput = members([
        "weight", "weight_device", "device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops",
    ])

    private static let grant = members(["source", "target", "uid", "gid", "mode"], kept: ["mode"])
    private static let dependency = members(["condition", "restart", "required"], kept: ["required"])
    private static let ulimit = members(["single", "soft", "hard"], kept: ["soft", "hard"])

    private static let healthcheck = members(
        ["test", "timeout", "interval", "retries", "start_period", "start_interval", "disable"], kept: ["retries"])

    private static let attachment = members([
        "aliases", "driver_opts", "gw_priority", "interface_name", "ipv4_address", "ipv6_address", "link_local_ips",
        "mac_address", "priority",
    ])

    private static let port = members(["name", "mode", "host_ip", "target", "published", "protocol", "app_protocol"])

    private static let mount = members(
        ["type", "source", "target", "read_only", "consistency", "bind", "volume", "tmpfs", "image"],
        [
            "bind": members(
                ["selinux", "propagation", "create_host_path", "recursive"], optOut: ["create_host_path"]),
            "volume": members(["labels", "nocopy", "subpath"]), "tmpfs": members(["size", "mode"]),
            "image": members(["subpath"]),
        ], kept: ["bind", "volume", "tmpfs", "image"])

    private static let deviceRequest = members(["capabilities", "driver", "count", "device_ids", "options"])

    private static let deploy = members(
        [
            "mode", "replicas", "labels", "update_config", "rollback_config", "resources", "restart_policy",
            "placement", "endpoint_mode",
        ],
        [
            "update_config": update, "rollback_config": update,
            "resources": members(
                ["limits", "reservations"], ["limits": resource, "reservations": resource],
                kept: ["limits", "reservations"]),
            "restart_policy": members(["condition", "delay", "max_attempts", "window"], kept: ["max_attempts"]),
            "placement": members(["constraints", "preferences", "max_replicas_per_node"]),
        ],
        kept: ["replicas", "update_config", "rollback_config", "restart_policy"],
        filled: ["resources": .empty, "placement": .empty])

    private static let update = members(
        ["parallelism", "delay", "failure_action", "monitor", "max_failure_ratio", "order"], kept: ["parallelism"])

    private static let resource = members(
        ["cpus", "memory", "pids", "devices", "generic_resources"], ["devices": list(deviceRequest)])
}

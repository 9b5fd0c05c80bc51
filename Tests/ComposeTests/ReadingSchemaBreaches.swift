extension SchemaBreach {
    /// Attributes that there are none of.
    static let unknown: [SchemaBreach] = [
        .service("imagee: a", ": there is no attribute \"imagee\"", at: 1, 1, "did you mean \"image\"?"),
        .service("Image: a", ": there is no attribute \"Image\"", at: 1, 1, "did you mean \"image\"?"),
        .service("depends-on: [a]", ": there is no attribute \"depends-on\"", at: 1, 1, "\"depends_on\""),
        .service("enviroment: {}", ": there is no attribute \"enviroment\"", at: 1, 1, "\"environment\""),
        .service("env: {}", ": there is no attribute \"env\"", at: 1, 1, "\"environment:\""),
        .service("net: host", ": there is no attribute \"net\"", at: 1, 1, "\"network_mode:\""),
        .service("log_driver: json-file", ": there is no attribute \"log_driver\"", at: 1, 1, "\"logging:\""),
        .service("log_opt: {}", ": there is no attribute \"log_opt\"", at: 1, 1, "\"options:\""),
        .service("volume_driver: x", ": there is no attribute \"volume_driver\"", at: 1, 1, "of the top level"),
        .service("dockerfile: x", ": there is no attribute \"dockerfile\"", at: 1, 1, "\"build:\""),
        .service("memory: 1g", ": there is no attribute \"memory\"", at: 1, 1, "\"mem_limit:\""),
        .service("replicas: 2", ": there is no attribute \"replicas\"", at: 1, 1, "\"deploy:\""),
        .service("restart_policy: x", ": there is no attribute \"restart_policy\"", at: 1, 1, "\"restart:\""),
        .service("zzzzzzzz: x", ": there is no attribute \"zzzzzzzz\"", at: 1, 1, "\"x-\""),
        .service("build:\n  contxt: .", ".build: there is no attribute \"contxt\"", at: 2, 3, "\"context\""),
        .service("build:\n  image: a", ".build: there is no attribute \"image\"", at: 2, 3, "belongs to the service"),
        .service(
            "deploy:\n  resources:\n    limit: {}", ".deploy.resources: there is no attribute \"limit\"", at: 3, 5,
            "limits"),
        .service(
            "deploy:\n  resources:\n    limits: {cpu: 1}", ".deploy.resources.limits: there is no attribute \"cpu\"",
            at: 3, 14, "cpus"),
        .service(
            "deploy:\n  update_config: {orders: 1}", ".deploy.update_config: there is no attribute \"orders\"", at: 2,
            19, "\"order\""),
        .service(
            "deploy:\n  restart_policy: {attempts: 1}", ".deploy.restart_policy: there is no attribute \"attempts\"",
            at: 2, 20),
        .service("deploy: {scale: 1}", ".deploy: there is no attribute \"scale\"", at: 1, 10, "\"replicas:\""),
        .service(
            "deploy: {placement: {constraint: []}}", ".deploy.placement: there is no attribute \"constraint\"", at: 1,
            22, "\"constraints\""),
        .service("develop: {wach: []}", ".develop: there is no attribute \"wach\"", at: 1, 11, "\"watch\""),
        .service(
            "develop: {watch: [{path: a, action: sync, to: b}]}", ".develop.watch[0]: there is no attribute \"to\"",
            at: 1, 43),
        .service("healthcheck: {tests: a}", ".healthcheck: there is no attribute \"tests\"", at: 1, 15, "\"test\""),
        .service("healthcheck: {cmd: a}", ".healthcheck: there is no attribute \"cmd\"", at: 1, 15, "\"test:\""),
        .service("logging: {drivers: a}", ".logging: there is no attribute \"drivers\"", at: 1, 11, "\"driver\""),
        .service(
            "networks: {a: {ip: 1.2.3.4}}", ".networks.a: there is no attribute \"ip\"", at: 1, 16, "\"ipv4_address:\""),
        .service(
            "depends_on: {a: {condition: service_started, wait: 1}}", ".depends_on.a: there is no attribute \"wait\"",
            at: 1, 46),
        .service(
            "ports: [{target: 80, host: 1}]", ".ports[0]: there is no attribute \"host\"", at: 1, 22, "\"published:\""),
        .service(
            "volumes: [{type: bind, src: a, target: /b}]", ".volumes[0]: there is no attribute \"src\"", at: 1, 24,
            "\"source:\""),
        .service(
            "volumes: [{type: bind, target: /b, bind: {ro: true}}]", ".volumes[0].bind: there is no attribute \"ro\"",
            at: 1, 43),
        .service(
            "volumes: [{type: tmpfs, target: /b, tmpfs: {sizes: 1}}]",
            ".volumes[0].tmpfs: there is no attribute \"sizes\"", at: 1, 45, "\"size\""),
        .service(
            "volumes: [{type: volume, target: /b, volume: {copy: 1}}]",
            ".volumes[0].volume: there is no attribute \"copy\"", at: 1, 47),
        .service(
            "volumes: [{type: image, target: /b, image: {path: x}}]",
            ".volumes[0].image: there is no attribute \"path\"", at: 1, 45),
        .service(
            "secrets: [{source: a, file: b}]", ".secrets[0]: there is no attribute \"file\"", at: 1, 23, "declared"),
        .service("configs: [{source: a, owner: b}]", ".configs[0]: there is no attribute \"owner\"", at: 1, 23),
        .service(
            "ulimits: {nofile: {soft: 1, hard: 2, max: 3}}", ".ulimits.nofile: there is no attribute \"max\"", at: 1, 38
        ),
        .service(
            "extends: {service: a, path: b}", ".extends: there is no attribute \"path\"", at: 1, 23, "file, service"),
        .service(
            "env_file: [{path: a, raw: true}]", ".env_file[0]: there is no attribute \"raw\"", at: 1, 22, "format, path"
        ),
        .service("blkio_config: {x-a: 1}", ".blkio_config: there is no attribute \"x-a\"", at: 1, 16),
        .service(
            "blkio_config: {device_read_bps: [{path: a, rate: 1, x: 1}]}",
            ".blkio_config.device_read_bps[0]: there is no attribute \"x\"", at: 1, 53),
        .service("credential_spec: {path: a}", ".credential_spec: there is no attribute \"path\"", at: 1, 19),
        .service("provider: {type: a, name: b}", ".provider: there is no attribute \"name\"", at: 1, 21),
        .service("gpus: [{drivers: x}]", ".gpus[0]: there is no attribute \"drivers\"", at: 1, 9, "\"driver\""),
        .service("devices: [{source: a, path: b}]", ".devices[0]: there is no attribute \"path\"", at: 1, 23),
        .service("post_start: [{command: a, image: b}]", ".post_start[0]: there is no attribute \"image\"", at: 1, 27),
        .service(
            "pre_start: [{command: a, per_replicas: b}]", ".pre_start[0]: there is no attribute \"per_replicas\"",
            at: 1, 26, "\"per_replica\""),
        .service(
            "models: {m: {endpoint: a}}", ".models.m: there is no attribute \"endpoint\"", at: 1, 14, "\"endpoint_var\""
        ),
        SchemaBreach("servces: {}\n", "there is no attribute \"servces\"", at: 1, 1, "\"services\""),
        SchemaBreach("web:\n  image: a\n", "there is no attribute \"web\"", at: 1, 1, "below \"services:\""),
        SchemaBreach("image: a\n", "there is no attribute \"image\"", at: 1, 1, "indent it below"),
        SchemaBreach(
            "services:\n  web: {}\n  image: a\n", "services.image: expected a map, found a string", at: 3, 10,
            "one level deeper"),
        SchemaBreach("project_name: a\n", "there is no attribute \"project_name\"", at: 1, 1, "\"name:\""),
        SchemaBreach(
            "networks:\n  a:\n    subnet: x\n", "networks.a: there is no attribute \"subnet\"", at: 3, 5, "\"ipam:\""),
        SchemaBreach(
            "networks: {a: {ipam: {subnet: x}}}\n", "networks.a.ipam: there is no attribute \"subnet\"", at: 1, 23,
            "\"config:\""),
        SchemaBreach(
            "networks: {a: {ipam: {config: [{range: x}]}}}\n",
            "networks.a.ipam.config[0]: there is no attribute \"range\"", at: 1, 33),
        SchemaBreach(
            "networks: {a: {ipv6: true}}\n", "networks.a: there is no attribute \"ipv6\"", at: 1, 16, "\"enable_ipv6:\""
        ),
        SchemaBreach(
            "volumes: {a: {opts: {}}}\n", "volumes.a: there is no attribute \"opts\"", at: 1, 15, "\"driver_opts:\""),
        SchemaBreach(
            "volumes: {a: {external: {label: x}}}\n", "volumes.a.external: there is no attribute \"label\"", at: 1, 26),
        SchemaBreach(
            "secrets: {a: {content: x}}\n", "secrets.a: there is no attribute \"content\"", at: 1, 15, "only a config"),
        SchemaBreach("configs: {a: {path: x}}\n", "configs.a: there is no attribute \"path\"", at: 1, 15, "\"file:\""),
        SchemaBreach("models: {a: {model: x, flags: y}}\n", "models.a: there is no attribute \"flags\"", at: 1, 24),
        SchemaBreach(
            "include: [{path: a, file: b}]\n", "include[0]: there is no attribute \"file\"", at: 1, 21, "\"path:\""),
    ]

    /// Values of a wrong kind.
    static let kinds: [SchemaBreach] = [
        .service(
            "environment:\n- KEY: value", ".environment[0]: expected a string, found a map", at: 2, 3, "\"KEY=value\""),
        .service("image: [a]", ".image: expected a string, found a list", at: 1, 8, "it is one value"),
        SchemaBreach("services:\n- web: {image: a}\n", "services: expected a map, found a list", at: 2, 1, "leave out"),
        SchemaBreach(
            "networks:\n  driver: bridge\n", "networks.driver: expected a map or nothing, found a string", at: 2, 11,
            "one level deeper"),
        SchemaBreach("services: []\n", "services: expected a map, found a list", at: 1, 11),
        SchemaBreach("services:\n", "services: expected a map, found nothing", at: 1, 10, "remove the line"),
        SchemaBreach("services: {web: }\n", "services.web: expected a map, found nothing", at: 1, 17),
        SchemaBreach("name: 12\n", "name: expected a string that is not empty, found a number", at: 1, 7, "\"12\""),
        SchemaBreach("include: a.yaml\n", "include: expected a list, found a string", at: 1, 10),
        SchemaBreach("networks: [a]\n", "networks: expected a map, found a list", at: 1, 11),
        SchemaBreach("volumes: [a]\n", "volumes: expected a map, found a list", at: 1, 10),
        SchemaBreach("volumes: {a: x}\n", "volumes.a: expected a map or nothing, found a string", at: 1, 14),
        SchemaBreach("secrets: {a: }\n", "secrets.a: expected a map, found nothing", at: 1, 14),
        SchemaBreach("configs: {a: [x]}\n", "configs.a: expected a map, found a list", at: 1, 14),
        SchemaBreach(
            "networks: {a: {internal: 1}}\n", "networks.a.internal: expected true or false, found a number", at: 1, 26),
        SchemaBreach(
            "networks: {a: {driver: 1}}\n", "networks.a.driver: expected a string, found a number", at: 1, 24, "\"1\""),
        SchemaBreach(
            "networks: {a: {external: [x]}}\n", "networks.a.external: expected true or false or a map, found a list",
            at: 1, 26),
        SchemaBreach(
            "networks: {a: {driver_opts: [x]}}\n", "networks.a.driver_opts: expected a map, found a list", at: 1, 29),
        SchemaBreach(
            "networks: {a: {ipam: {config: {subnet: x}}}}\n",
            "networks.a.ipam.config: expected a list of maps, found a map", at: 1, 31, "\"- \""),
        SchemaBreach(
            "volumes: {a: {labels: 1}}\n", "volumes.a.labels: expected a list of strings or a map, found a number",
            at: 1, 23),
        SchemaBreach(
            "models: {a: {model: x, context_size: big}}\n",
            "models.a.context_size: expected a whole number, found a string", at: 1, 38),
        .service("image: 5", ".image: expected a string, found a number", at: 1, 8, "\"5\""),
        .service("image: [a]", ".image: expected a string, found a list", at: 1, 8),
        .service("build: 5", ".build: expected a string or a map, found a number", at: 1, 8, "\"5\""),
        .service(
            "build: {context: true}", ".build.context: expected a string, found true or false", at: 1, 18, "\"true\""),
        .service("build: {args: a}", ".build.args: expected a list of strings or a map, found a string", at: 1, 15),
        .service("build: {tags: a}", ".build.tags: expected a list of strings, found a string", at: 1, 15),
        .service("build: {no_cache: maybe}", ".build.no_cache: expected true or false, found a string", at: 1, 19),
        .service("build: {shm_size: []}", ".build.shm_size: expected a size such as \"512m\", found a list", at: 1, 19),
        .service("build: {secrets: {a: b}}", ".build.secrets: expected a list, found a map", at: 1, 18, "\"- \""),
        .service(
            "command: {a: b}", ".command: expected a string, a list of strings or nothing, found a map", at: 1, 10),
        .service("command: [sleep, 10]", ".command[1]: expected a string, found a number", at: 1, 18, "\"10\""),
        .service(
            "entrypoint: 5", ".entrypoint: expected a string, a list of strings or nothing, found a number", at: 1, 13),
        .service("environment: 5", ".environment: expected a list of strings or a map, found a number", at: 1, 14),
        .service("environment: [1]", ".environment[0]: expected a string, found a number", at: 1, 15),
        .service(
            "environment: {A: [1]}",
            ".environment.A: expected a string, a number, true or false, or nothing, found a list", at: 1, 18),
        .service("labels: a=b", ".labels: expected a list of strings or a map, found a string", at: 1, 9),
        .service("annotations: 1", ".annotations: expected a list of strings or a map, found a number", at: 1, 14),
        .service("ports: 80", ".ports: expected a list, found a number", at: 1, 8),
        .service("ports: {a: b}", ".ports: expected a list, found a map", at: 1, 8, "\"- \""),
        .service(
            "ports: [true]", ".ports[0]: expected a string, a whole number or a map, found true or false", at: 1, 9),
        .service("ports: [{target: x}]", ".ports[0].target: expected a whole number, found a string", at: 1, 18),
        .service(
            "ports: [{target: 1, published: []}]",
            ".ports[0].published: expected a port or a range such as \"8000-8010\" or a whole number, found a list",
            at: 1, 32),
        .service("volumes: /a:/b", ".volumes: expected a list, found a string", at: 1, 10),
        .service("volumes: [5]", ".volumes[0]: expected a string or a map, found a number", at: 1, 11),
        .service(
            "volumes: [{type: bind, target: /a, read_only: 1}]",
            ".volumes[0].read_only: expected true or false, found a number", at: 1, 47),
        .service(
            "volumes: [{type: bind, target: /a, bind: x}]", ".volumes[0].bind: expected a map, found a string", at: 1,
            42),
        .service("networks: a", ".networks: expected a list of strings or a map, found a string", at: 1, 11),
        .service("networks: {a: [b]}", ".networks.a: expected a map or nothing, found a list", at: 1, 15),
        .service(
            "networks: {a: {aliases: b}}", ".networks.a.aliases: expected a list of strings, found a string", at: 1, 25),
        .service(
            "networks: {a: {priority: high}}", ".networks.a.priority: expected a whole number, found a string", at: 1,
            26),
        .service("depends_on: a", ".depends_on: expected a list of strings or a map, found a string", at: 1, 13),
        .service("depends_on: {a: }", ".depends_on.a: expected a map, found nothing", at: 1, 17),
        .service("deploy: []", ".deploy: expected a map or nothing, found a list", at: 1, 9),
        .service("deploy: {replicas: two}", ".deploy.replicas: expected a whole number, found a string", at: 1, 20),
        .service(
            "deploy: {resources: {limits: {cpus: many}}}",
            ".deploy.resources.limits.cpus: expected a number, found a string", at: 1, 37),
        .service(
            "deploy: {resources: {limits: {memory: 5}}}",
            ".deploy.resources.limits.memory: expected a size such as \"512m\", found a number", at: 1, 39, "\"5\""),
        .service(
            "deploy: {placement: {constraints: a}}",
            ".deploy.placement.constraints: expected a list of strings, found a string", at: 1, 35),
        .service("develop: [a]", ".develop: expected a map or nothing, found a list", at: 1, 10),
        .service("healthcheck: curl", ".healthcheck: expected a map, found a string", at: 1, 14),
        .service(
            "healthcheck: {test: 5}", ".healthcheck.test: expected a string or a list of strings, found a number",
            at: 1, 21),
        .service(
            "healthcheck: {interval: 10}",
            ".healthcheck.interval: expected a duration such as \"1m30s\", found a number", at: 1, 25, "\"10s\""),
        .service(
            "healthcheck: {retries: few}", ".healthcheck.retries: expected a whole number, found a string", at: 1, 24),
        .service(
            "healthcheck: {retries: 1.5}", ".healthcheck.retries: expected a whole number, found a number", at: 1, 24),
        .service(
            "stop_grace_period: 10", ".stop_grace_period: expected a duration such as \"1m30s\", found a number", at: 1,
            20, "\"10s\""),
        .service(
            "restart: false",
            ".restart: expected \"no\", \"always\", \"unless-stopped\", \"on-failure\" or \"on-failure:COUNT\", found true or false",
            at: 1, 10),
        .service("tty: 1", ".tty: expected true or false, found a number", at: 1, 6),
        .service("privileged: perhaps", ".privileged: expected true or false, found a string", at: 1, 13),
        .service("user: 1000", ".user: expected a string, found a number", at: 1, 7, "\"1000\""),
        .service("scale: [1]", ".scale: expected a whole number, found a list", at: 1, 8),
        .service("cpus: {}", ".cpus: expected a number, found a map", at: 1, 7),
        .service("mem_limit: true", ".mem_limit: expected a size such as \"512m\", found true or false", at: 1, 12),
        .service("cap_add: NET_ADMIN", ".cap_add: expected a list of strings, found a string", at: 1, 10),
        .service("dns: 8", ".dns: expected a string or a list of strings, found a number", at: 1, 6),
        .service("tmpfs: {a: b}", ".tmpfs: expected a string or a list of strings, found a map", at: 1, 8),
        .service("secrets: a", ".secrets: expected a list, found a string", at: 1, 10),
        .service(
            "secrets: [{source: a, uid: 5}]", ".secrets[0].uid: expected a number in quotes, found a number", at: 1, 28,
            "\"5\""),
        .service("ulimits: [a]", ".ulimits: expected a map, found a list", at: 1, 10),
        .service(
            "ulimits: {nofile: lots}", ".ulimits.nofile: expected a whole number or a map, found a string", at: 1, 19),
        .service("extra_hosts: a:1", ".extra_hosts: expected a list of strings or a map, found a string", at: 1, 14),
        .service("sysctls: 1", ".sysctls: expected a list of strings or a map, found a number", at: 1, 10),
        .service("logging: json-file", ".logging: expected a map, found a string", at: 1, 10),
        .service("devices: /dev/a", ".devices: expected a list, found a string", at: 1, 10),
        .service("profiles: dev", ".profiles: expected a list of strings, found a string", at: 1, 11),
        .service("env_file: {path: a}", ".env_file: expected a string or a list, found a map", at: 1, 11),
        .service("extends: [a]", ".extends: expected a string or a map, found a list", at: 1, 10),
        .service("post_start: {command: a}", ".post_start: expected a list of maps, found a map", at: 1, 13, "\"- \""),
        .service("storage_opt: [a]", ".storage_opt: expected a map, found a list", at: 1, 14),
        .service("use_api_socket: x", ".use_api_socket: expected true or false, found a string", at: 1, 17),
        .service("oom_score_adj: low", ".oom_score_adj: expected a whole number, found a string", at: 1, 16),
    ]

    /// Values that break a rule.
    static let rules: [SchemaBreach] = [
        .service(
            "depends_on: {db: {condition: healthy}}", ".depends_on.db.condition: \"healthy\" is not allowed", at: 1, 30,
            "service_healthy"),
        .service("ports: ['1.2.3.4:80']", ".ports[0]: \"1.2.3.4:80\" is no port", at: 1, 9, "1.2.3.4:8080:80"),
        .service(
            "secrets: [{source: a, mode: 0999}]", ".secrets[0].mode: permissions have octal digits, 0 to 7", at: 1, 29,
            "0440"),
        .service(
            "restart: always\n  - a:/b", ".restart: \"always - a:/b\" is not allowed", at: 1, 10,
            "the lines below it are indented deeper"),
        .service("depends_on:\n  db {}:", ".depends_on: \"db {}\" is no name here", at: 2, 3, "\": \""),
        .service("volumes: ['a:/a:z', ro]", ".volumes[1]: \"ro\" is no volume", at: 1, 21, "in quotes"),
        SchemaBreach("name: ''\n", "name: \"\" is not allowed", at: 1, 7),
        SchemaBreach("services: {'a b': {}}\n", "services: \"a b\" is no name here", at: 1, 12),
        SchemaBreach("networks: {a/b: }\n", "networks: \"a/b\" is no name here", at: 1, 12),
        SchemaBreach("volumes: {'': }\n", "volumes: \"\" is no name here", at: 1, 11),
        SchemaBreach(
            "networks: {a: {ipam: {config: [{subnet: 10.0.0.0}]}}}\n",
            "networks.a.ipam.config[0].subnet: \"10.0.0.0\" is not allowed", at: 1, 41, "172.20.0.0/16"),
        SchemaBreach(
            "networks: {a: {ipam: {config: [{gateway: x}]}}}\n",
            "networks.a.ipam.config[0].gateway: \"x\" is not allowed", at: 1, 42),
        SchemaBreach(
            "models: {a: {model: x, context_size: -1}}\n", "models.a.context_size: -1 is out of range", at: 1, 38),
        .service("restart: sometimes", ".restart: \"sometimes\" is not allowed", at: 1, 10),
        .service("restart: on-failure:x", ".restart: \"on-failure:x\" is not allowed", at: 1, 10),
        .service("restart: allways", ".restart: \"allways\" is not allowed", at: 1, 10, "\"always\""),
        .service("pull_policy: allways", ".pull_policy: \"allways\" is not allowed", at: 1, 14, "\"always\""),
        .service("pull_policy: every_x", ".pull_policy: \"every_x\" is not allowed", at: 1, 14),
        .service("cgroup: hosts", ".cgroup: \"hosts\" is not allowed", at: 1, 9, "\"host\""),
        .service("container_name: -a", ".container_name: \"-a\" is not allowed", at: 1, 17),
        .service("container_name: a b", ".container_name: \"a b\" is not allowed", at: 1, 17),
        .service("stop_grace_period: soon", ".stop_grace_period: \"soon\" is not allowed", at: 1, 20, "\"10s\""),
        .service("healthcheck: {timeout: '5'}", ".healthcheck.timeout: \"5\" is not allowed", at: 1, 24),
        .service(
            "healthcheck: {test: [curl, x]}",
            ".healthcheck.test: a test begins with NONE, CMD or CMD-SHELL, and this one with \"curl\"", at: 1, 22,
            "[\"CMD\", \"curl\", …]"),
        .service("healthcheck: {test: []}", ".healthcheck.test: an empty list is no test", at: 1, 21),
        .service("healthcheck: {retries: -1}", ".healthcheck.retries: -1 is out of range", at: 1, 24),
        .service("mem_limit: 1x", ".mem_limit: \"1x\" is not allowed", at: 1, 12, "\"512m\""),
        .service("shm_size: big", ".shm_size: \"big\" is not allowed", at: 1, 11),
        .service("scale: -1", ".scale: -1 is out of range", at: 1, 8),
        .service("cpus: -0.5", ".cpus: -0.5 is out of range", at: 1, 7),
        .service("oom_score_adj: 1001", ".oom_score_adj: 1001 is out of range", at: 1, 16),
        .service("cpu_percent: 101", ".cpu_percent: 101 is out of range", at: 1, 14),
        .service("mem_swappiness: 101", ".mem_swappiness: 101 is out of range", at: 1, 17),
        .service("mac_address: 1:2", ".mac_address: \"1:2\" is not allowed", at: 1, 14),
        .service("ports: ['80:x']", ".ports[0]: \"80:x\" is no port", at: 1, 9),
        .service("ports: [70000]", ".ports[0]: 70000 is out of range", at: 1, 9),
        .service("ports: [{target: 0}]", ".ports[0].target: 0 is out of range", at: 1, 18),
        .service("ports: [{published: 80}]", ".ports[0]: a port needs the attribute \"target\"", at: 1, 9),
        .service("ports: [{target: 1, protocol: icmp}]", ".ports[0].protocol: \"icmp\" is not allowed", at: 1, 31),
        .service(
            "ports: [{target: 1, mode: hosts}]", ".ports[0].mode: \"hosts\" is not allowed", at: 1, 27, "\"host\""),
        .service("ports: [{target: 1, host_ip: x}]", ".ports[0].host_ip: \"x\" is not allowed", at: 1, 30),
        .service("ports: [{target: 1, published: a-b}]", ".ports[0].published: \"a-b\" is not allowed", at: 1, 32),
        .service("expose: ['80:80']", ".expose[0]: \"80:80\" is not allowed", at: 1, 10),
        .service("volumes: ['a:b']", ".volumes[0]: \"a:b\" is no volume", at: 1, 11, "\"a:/b\""),
        .service("volumes: ['a:/b:rw,rro']", ".volumes[0]: \"a:/b:rw,rro\" is no volume", at: 1, 11, "\"ro\""),
        .service(
            "volumes: [{source: a, target: /b}]", ".volumes[0]: a volume of a service needs the attribute \"type\"",
            at: 1, 11),
        .service(
            "volumes: [{type: volume, source: a}]", ".volumes[0]: a volume of a service needs the attribute \"target\"",
            at: 1, 11),
        .service(
            "volumes: [{type: binds, target: /b}]", ".volumes[0].type: \"binds\" is not allowed", at: 1, 18, "\"bind\""),
        .service(
            "volumes: [{type: bind, target: /b, bind: {propagation: up}}]",
            ".volumes[0].bind.propagation: \"up\" is not allowed", at: 1, 56),
        .service(
            "volumes: [{type: bind, target: /b, bind: {selinux: y}}]", ".volumes[0].bind.selinux: \"y\" is not allowed",
            at: 1, 52),
        .service(
            "volumes: [{type: tmpfs, target: /b, tmpfs: {size: x}}]", ".volumes[0].tmpfs.size: \"x\" is not allowed",
            at: 1, 51),
        .service(
            "volumes: [{type: tmpfs, target: /b, tmpfs: {mode: '9'}}]", ".volumes[0].tmpfs.mode: \"9\" is not allowed",
            at: 1, 51),
        .service("secrets: [{source: a, mode: rw}]", ".secrets[0].mode: \"rw\" is not allowed", at: 1, 29, "0440"),
        .service("secrets: [{source: a, uid: root}]", ".secrets[0].uid: \"root\" is not allowed", at: 1, 28),
        .service(
            "depends_on: {a: {condition: started}}", ".depends_on.a.condition: \"started\" is not allowed", at: 1, 29),
        .service(
            "depends_on: {a: {restart: true}}", ".depends_on.a: a dependency needs the attribute \"condition\"", at: 1,
            17),
        .service("depends_on: [a, b, a]", ".depends_on: \"a\" stands twice in the list", at: 1, 20, "remove"),
        .service("security_opt: [a, a]", ".security_opt: \"a\" stands twice in the list", at: 1, 19),
        .service("group_add: [1, x, 1]", ".group_add: \"1\" stands twice in the list", at: 1, 19),
        .service("networks: {'a b': }", ".networks: \"a b\" is no name here", at: 1, 12),
        .service("networks: {a: {ipv4_address: x}}", ".networks.a.ipv4_address: \"x\" is not allowed", at: 1, 30),
        .service(
            "networks: {a: {ipv6_address: 1.2.3.4}}", ".networks.a.ipv6_address: \"1.2.3.4\" is not allowed", at: 1, 30),
        .service("ulimits: {NOFILE: 1}", ".ulimits: \"NOFILE\" is no name here", at: 1, 11),
        .service("ulimits: {nofile: {soft: 1}}", ".ulimits.nofile: a limit needs the attribute \"hard\"", at: 1, 19),
        .service("extends: {file: a}", ".extends: extends needs the attribute \"service\"", at: 1, 10),
        .service(
            "env_file: [{required: false}]", ".env_file[0]: an environment file needs the attribute \"path\"", at: 1, 12
        ),
        .service("env_file: [{path: a, format: json}]", ".env_file[0].format: \"json\" is not allowed", at: 1, 30),
        .service("devices: [{target: a}]", ".devices[0]: a device needs the attribute \"source\"", at: 1, 11),
        .service("deploy: {mode: some}", ".deploy.mode: \"some\" is not allowed", at: 1, 16),
        .service(
            "deploy: {endpoint_mode: dns}", ".deploy.endpoint_mode: \"dns\" is not allowed", at: 1, 25, "\"dnsrr\""),
        .service(
            "deploy: {update_config: {order: first}}", ".deploy.update_config.order: \"first\" is not allowed", at: 1,
            33),
        .service(
            "deploy: {update_config: {failure_action: stop}}",
            ".deploy.update_config.failure_action: \"stop\" is not allowed", at: 1, 42),
        .service(
            "deploy: {rollback_config: {failure_action: rollback}}",
            ".deploy.rollback_config.failure_action: \"rollback\" is not allowed", at: 1, 44),
        .service(
            "deploy: {restart_policy: {condition: never}}",
            ".deploy.restart_policy.condition: \"never\" is not allowed", at: 1, 38),
        .service(
            "deploy: {restart_policy: {delay: x}}", ".deploy.restart_policy.delay: \"x\" is not allowed", at: 1, 34),
        .service(
            "deploy: {resources: {limits: {memory: x}}}", ".deploy.resources.limits.memory: \"x\" is not allowed",
            at: 1, 39),
        .service(
            "deploy: {resources: {reservations: {devices: [{count: 1}]}}}",
            ".deploy.resources.reservations.devices[0]: a device needs the attribute \"capabilities\"", at: 1, 47),
        .service("gpus: some", ".gpus: \"some\" is not allowed", at: 1, 7),
        .service(
            "gpus: [{count: 1, device_ids: [a]}]", ".gpus[0]: \"count\" and \"device_ids\" exclude each other", at: 1,
            19),
        .service(
            "develop: {watch: [{path: a}]}", ".develop.watch[0]: a watch needs the attribute \"action\"", at: 1, 19),
        .service(
            "develop: {watch: [{path: a, action: syn}]}", ".develop.watch[0].action: \"syn\" is not allowed", at: 1, 37,
            "\"sync\""),
        .service(
            "develop: {watch: [{path: '', action: sync}]}", ".develop.watch[0].path: \"\" is not allowed", at: 1, 26),
        .service("blkio_config: {weight: 1001}", ".blkio_config.weight: 1001 is out of range", at: 1, 24),
        .service(
            "blkio_config: {weight_device: [{path: a}]}",
            ".blkio_config.weight_device[0]: a device needs the attribute \"weight\"", at: 1, 32),
        .service("post_start: [{user: a}]", ".post_start[0]: a hook needs the attribute \"command\"", at: 1, 14),
        .service(
            "build: {dockerfile: a, dockerfile_inline: b}",
            ".build: \"dockerfile\" and \"dockerfile_inline\" exclude each other", at: 1, 24),
        .service("network_mode: ''", ".network_mode: \"\" is not allowed", at: 1, 15),
    ]

    /// Each attribute once, in each of its forms.
    static let everything = """
        name: all
        include: [a.yaml, {path: [b.yaml, c.yaml], env_file: x.env, project_directory: ..}]
        x-any: [1, {a: b}]
        services:
          short:
            build: .
            command: sleep 1
            entrypoint: [/bin/sh, -c]
            environment: [A=1, B]
            env_file: a.env
            label_file: a.labels
            labels: [a=b]
            ports: [80, "8080:80", "1-2:3-4/udp"]
            expose: [80, "81/tcp"]
            volumes: [/a, "b:/b", "./c:/c:ro"]
            networks: [front, back]
            depends_on: [long]
            configs: [c]
            secrets: [s]
            dns: 1.1.1.1
            dns_search: a.b
            tmpfs: /tmp
            extra_hosts: ["a:1.2.3.4"]
            devices: [/dev/a:/dev/b:rw]
            ulimits: {nofile: 1024}
            gpus: all
            models: [m]
            extends: long
            healthcheck: {test: exit 0}
            x-more: 1
          long:
            annotations: {a: b}
            attach: false
            blkio_config:
              weight: 10
              weight_device: [{path: /dev/a, weight: 10}]
              device_read_bps: [{path: /dev/a, rate: 1mb}]
              device_write_iops: [{path: /dev/a, rate: 10}]
            build:
              context: .
              dockerfile: Dockerfile
              args: {A: 1, B: , C: true}
              ssh: [default]
              secrets: [a, {source: b, target: c, uid: "1", gid: "2", mode: 0440}]
              labels: {a: b}
              target: x
              cache_from: [a]
              cache_to: [b]
              no_cache: true
              no_cache_filter: x
              pull: true
              platforms: [linux/amd64]
              tags: [a:b]
              additional_contexts: {a: b}
              extra_hosts: {a: 1.2.3.4, b: [1.2.3.4, "::1"]}
              isolation: default
              network: host
              privileged: false
              shm_size: 1g
              ulimits: {nproc: {soft: 1, hard: -1}}
              provenance: mode=max
              sbom: true
              entitlements: [a]
              x-b: 1
            cap_add: [ALL]
            cap_drop: [NET_RAW]
            cgroup: private
            cgroup_parent: a
            command: [a, b]
            configs: [{source: c, target: /c, uid: "0", gid: "0", mode: "0400"}]
            container_name: web-1
            cpu_count: 1
            cpu_percent: 50
            cpu_period: 1000
            cpu_quota: -1
            cpu_rt_period: 100ms
            cpu_rt_runtime: 1000
            cpu_shares: 10
            cpus: 1.5
            cpuset: 0-1
            credential_spec: {file: a}
            depends_on: {short: {condition: service_healthy, restart: true, required: false}}
            deploy:
              mode: replicated
              endpoint_mode: vip
              replicas: 2
              labels: {a: b}
              update_config: {parallelism: 1, delay: 1s, failure_action: rollback, monitor: 1s, max_failure_ratio: 0.1, order: start-first}
              rollback_config: {parallelism: 1, failure_action: pause, order: stop-first}
              resources:
                limits: {cpus: "0.5", memory: 1g, pids: 10}
                reservations:
                  cpus: 0.1
                  memory: 10m
                  generic_resources: [{discrete_resource_spec: {kind: a, value: 1}}]
                  devices: [{capabilities: [gpu], count: all, driver: nvidia, options: {a: b}}]
              restart_policy: {condition: on-failure, delay: 1s, max_attempts: 3, window: 1m}
              placement: {constraints: [a], preferences: [{spread: b}], max_replicas_per_node: 1}
            develop:
              watch:
                - {path: a, action: sync+exec, target: /b, exec: {command: x}, ignore: [c], include: d, initial_sync: true}
            device_cgroup_rules: ["c 1:3 mr"]
            devices: [{source: /dev/a, target: /dev/b, permissions: rw}]
            dns: [1.1.1.1]
            dns_opt: [a]
            dns_search: [a.b]
            domainname: a
            entrypoint:
            env_file: [a.env, {path: b.env, required: false, format: raw}]
            environment: {A: 1, B: , C: true, D: 1.5}
            extends: {file: a.yaml, service: b}
            external_links: [a]
            extra_hosts: {a: 1.2.3.4}
            gpus: [{driver: a, count: -1}]
            group_add: [1, video]
            healthcheck: {test: [CMD, a], interval: 1m30s, timeout: 5s, retries: 3, start_period: 1s, start_interval: 1s, disable: false}
            hostname: a
            image: a:b
            init: true
            ipc: host
            isolation: default
            label_file: [a]
            labels: {a: 1}
            links: [short:s]
            logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}
            mac_address: 02:42:ac:11:00:02
            mem_limit: 1.5g
            mem_reservation: 100
            mem_swappiness: 60
            memswap_limit: -1
            models: {m: {endpoint_var: A, model_var: B}, n: }
            networks:
              front: {aliases: [a], interface_name: eth7, ipv4_address: 172.20.0.9, ipv6_address: "fd00::9", link_local_ips: [169.254.1.1], mac_address: "02:42:ac:11:00:03", driver_opts: {a: 1}, priority: 10, gw_priority: -1}
              back:
            oom_kill_disable: false
            oom_score_adj: -500
            pid: host
            pids_limit: 10
            platform: linux/amd64
            ports: [{name: a, mode: host, host_ip: 127.0.0.1, target: 80, published: 8000-8010, protocol: tcp, app_protocol: http}]
            post_start: [{command: a, user: root, privileged: true, working_dir: /, environment: [A=1]}]
            pre_start: [{command: [a], image: b, per_replica: true}]
            pre_stop: [{command: a}]
            privileged: false
            profiles: [dev]
            provider: {type: a, options: {b: 1, c: [d, 2]}}
            pull_policy: every_1d
            pull_refresh_after: 1d
            read_only: true
            restart: on-failure:3
            runtime: runc
            scale: 2
            secrets: [{source: s}]
            security_opt: [a]
            shm_size: 64m
            stdin_open: true
            stop_grace_period: 1m
            stop_signal: SIGTERM
            storage_opt: {size: 1G}
            sysctls: {a: 1}
            tmpfs: [/a]
            tty: true
            ulimits: {nofile: {soft: 1, hard: 2}}
            use_api_socket: false
            user: "1000:1000"
            userns_mode: host
            uts: host
            volumes:
              - {type: bind, source: ., target: /a, read_only: true, consistency: cached, bind: {propagation: rprivate, create_host_path: true, recursive: enabled, selinux: z}}
              - {type: volume, source: v, target: /b, volume: {nocopy: true, subpath: x, labels: {a: b}}}
              - {type: tmpfs, target: /c, tmpfs: {size: 10m, mode: 01777}}
              - {type: image, source: a, target: /d, image: {subpath: x}}
            volumes_from: [short:ro]
            working_dir: /
        networks:
          front:
          back:
            name: b
            driver: bridge
            driver_opts: {a: 1}
            internal: true
            attachable: true
            enable_ipv4: true
            enable_ipv6: false
            labels: [a=b]
            ipam:
              driver: default
              config: [{subnet: 172.20.0.0/16, ip_range: 172.20.1.0/24, gateway: 172.20.0.1, aux_addresses: {a: 172.20.0.2}}]
              options: {a: b}
          out: {external: true, name: o}
          old: {external: {name: o}}
        volumes:
          v: {name: v, driver: local, driver_opts: {type: nfs}, labels: {a: b}}
          w:
        secrets:
          s: {file: a, labels: {a: b}}
          t: {environment: A}
          u: {external: true, name: x, driver: a, driver_opts: {a: b}, template_driver: c}
        configs:
          c: {content: "a"}
          d: {file: b, template_driver: a}
        models:
          m: {model: a, name: b, context_size: 1024, runtime_flags: [a]}
        """
}

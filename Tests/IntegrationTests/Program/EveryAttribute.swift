/// A manifest with every setting of the DSL but Debian images, which come from a mirror.
enum EveryAttribute {
    static let manifest = """
        import StackDSL

        @main
        struct All: Stack {
            @Input("The setting that differs") var change = ""

            func pick<Value>(_ name: String, _ other: Value, _ usual: Value) -> Value { change == name ? other : usual }

            var front: Network { Network("front", subnet: "10.94.1.0/24", gateway: "10.94.1.254") }

            var back: Network {
                Network("back", internal: change != "network-open", labels: ["net": pick("network-label", "b", "a")])
            }

            var base: Image {
                Image("all/base", rootfs: "../rootfs") {
                    Entrypoint("/bin/sleep")
                    Command("10000")
                    Env("FROM_IMAGE", "yes")
                    Label("from", "image")
                    Workdir("/tmp")
                    User("root")
                    Expose(80)
                    Expose(53, protocol: .udp)
                    Stop(signal: "SIGKILL")
                }
            }

            var resources: Resources {
                let (front, back, base) = (front, back, base)
                let data = Volume(
                    "data", content: ["a.txt": pick("volume-content", "two", "one")],
                    protect: change == "volume-protect", labels: ["kind": pick("volume-label", "b", "a")])
                let small = Image("all/small", rootfs: "../rootfs") {
                    Env("FROM_IMAGE", pick("image-env", "no", "yes"))
                    Command("/bin/true", pick("image-command", "b", "a"))
                }
                let packed = Image("all/packed", tar: "../rootfs.tar") { Env("FROM", "tar") }
                let job = Container("job", image: small) { OneShot() }
                let db = Container("db", image: base) {
                    Attach(front, aliases: "database", address: pick("address", "10.94.1.11", "10.94.1.10"))
                    Healthcheck(.shell("exit 0"), every: .milliseconds(100))
                    Restart(.unlessStopped)
                }
                let worker = Container("worker", image: base, replicas: pick("replicas", 2, 1)) {
                    Attach(front)
                    DependsOn(db, until: .started)
                    Restart(.always)
                }
                let web = Container("web", image: base) { settings(front, back, data, db, job, worker) }
                let ports = Container("ports", image: base) {
                    Attach(front)
                    Restart(.no)
                    if change != "ports-gone" {
                        Publish(pick("port", 18191, 18190), to: pick("port-target", 81, 80))
                        Publish(18192, to: 53, protocol: pick("port-protocol", .tcp, .udp))
                        Publish(18193, to: 82, on: pick("port-address", "10.94.1.254", "127.0.0.1"))
                    }
                }
                return Resources {
                    web
                    ports
                    worker
                    back
                    packed
                    Output("address", pick("output", "other", "\\(db.host):5432"))
                    Output("hidden", db.id, sensitive: true)
                    Output("web", web.id)
                }
            }

            @ContainerBuilder
            func settings(
                _ front: Network, _ back: Network, _ data: Volume, _ db: Container, _ job: Container,
                _ worker: Container
            ) -> ContainerSettings {
                Attach(front, aliases: pick("alias-of-first", "site", "www"))
                if change != "detached" { Attach(back, aliases: pick("alias-of-second", "site", "inner")) }
                if change != "order" { DependsOn(worker) }
                DependsOn(db, until: .healthy)
                DependsOn(job, until: .completed)
                process()
                Env("REFERENCE", "\\(db.host):5432")
                Env("SUBNET", front.subnet)
                Mount(data, at: "/data", readOnly: change != "volume-writable")
                Mount(bind: "../seed", at: pick("bind", "/other", "/seed"), readOnly: true)
                Mount(tmpfs: pick("tmpfs", "/scratch2", "/scratch"))
                limits()
                health()
                if change != "writable" { ReadOnlyRoot() }
                if change == "one-shot" { OneShot() }
            }

            @ContainerBuilder
            func process() -> ContainerSettings {
                if change != "entrypoint" { Entrypoint("/bin/sh", "-c") }
                Command(pick("command", "sleep 1001", pick("entrypoint", "1001", "sleep 1000")))
                if change != "env-gone" { Env("PLAIN", pick("env", "2", "1")) }
                if change != "label-gone" { Label("team", pick("label", "b", "a")) }
                if change != "user-gone" { User(pick("user", "1000:1000", "user:user")) }
                if change != "workdir-gone" { Workdir(pick("workdir", "/data", "/bin")) }
                if change != "hostname-gone" { Hostname(pick("hostname", "other", "site")) }
                if change != "stop-gone" {
                    Stop(signal: pick("stop-signal", "SIGINT", "SIGTERM"), timeout: .seconds(pick("stop-timeout", 2, 1)))
                }
            }

            @ContainerBuilder
            func limits() -> ContainerSettings {
                if change != "limits-gone" {
                    Limit(
                        memory: .mebibytes(pick("memory", 48, 32)), cpus: pick("cpus", 0.75, 0.5),
                        processes: pick("pids", 60, 50))
                }
                if change != "restart-gone" {
                    Restart(pick("restart", .always, .onFailure(max: pick("retries-of-restart", 4, 3))))
                }
            }

            @ContainerBuilder
            func health() -> ContainerSettings {
                if change != "health-gone" {
                    Healthcheck(
                        pick("test", .http("/", port: 80), .command("/bin/true")),
                        every: .milliseconds(pick("interval", 400, 300)), timeout: .seconds(pick("timeout", 4, 3)),
                        retries: pick("retries", 5000, 4000), startPeriod: .seconds(pick("start-period", 3, 2)))
                }
            }
        }

        """
}

import Engine
import Linux
import Testing

@Suite(
    "docker-compose 1.29", .serialized, .timeLimit(.minutes(15)), .enabled(if: StockCompose.isInstalled))
struct StockComposeTests {
    private static let shop = """
        version: "3.9"
        services:
          db:
            image: busybox
            command: ["sh", "-c", "touch /ready; echo db up; trap 'exit 0' TERM; while :; do sleep 0.2; done"]
            healthcheck: {test: ["CMD", "test", "-f", "/ready"], interval: 1s, retries: 9}
            volumes: ["data:/var/data"]
            networks: {back: {aliases: [database]}}
          web:
            build: {context: web, args: {GREETING: hello}}
            image: shop-web
            command: httpd -f -p 80 -h /www
            environment: ["TOKEN=${TOKEN:-none}", PLAIN]
            env_file: web.env
            ports: ["127.0.0.1::80", "127.0.0.1::81/udp"]
            depends_on: [db]
            networks: [front, back]
            volumes: ["./conf:/conf:ro"]
            init: true
            stop_grace_period: 1s
            secrets: [token]
            deploy: {resources: {limits: {memory: 50M}}}
          worker:
            image: busybox
            command: sh -c "echo working; exec sleep 1000"
            networks: [back]
            stop_grace_period: 0s
          side: {image: busybox, command: sleep 1000, network_mode: "service:db", stop_grace_period: 0s}
          job: {image: busybox, command: echo done, profiles: [jobs], network_mode: none}
        networks:
          front: {}
          back: {internal: true, ipam: {config: [{subnet: 10.213.7.0/24}]}, labels: {kind: inner}}
        volumes: {data: {labels: {keep: "yes"}}}
        secrets: {token: {file: ./token.txt}}
        """

    private static let shopFiles = [
        "docker-compose.yml": shop, "web.env": "FILEVAR=1\n", "token.txt": "secret\n", "conf/a.conf": "conf\n",
        "web/Dockerfile": "FROM busybox\nARG GREETING\nRUN echo $GREETING > /www/index.html\nEXPOSE 80\n",
    ]

    @Test("the whole life of a project: build, up, every verb, down")
    func life() async throws {
        let lab = try await EngineLab()
        let compose = try StockCompose(lab, "shop", Self.shopFiles)
        try await compose("up", "-d")
        #expect(try await compose("exec", "-T", "web", "cat", "/www/index.html").out == "hello\n")
        let inside = try await compose(
            "exec", "-T", "web", "sh", "-c", "cat /run/secrets/token /conf/a.conf; echo $TOKEN $FILEVAR; exit 7",
            expecting: 7)
        #expect(inside.out == "secret\nconf\nnone 1\n")
        #expect(try await compose("exec", "-T", "worker", "nslookup", "database").out.contains("10.213.7."))
        let again = try await compose("up", "-d").error
        for name in ["shop_db_1", "shop_web_1", "shop_worker_1", "shop_side_1"] {
            #expect(again.contains("\(name) is up-to-date"), "\(again)")
        }
        #expect(try await compose("port", "web", "80").line.hasPrefix("127.0.0.1:"))
        #expect(try await compose("port", "--protocol", "udp", "web", "81").line.hasPrefix("127.0.0.1:"))
        #expect(try await compose("images").out.contains("shop-web"))
        #expect(try await compose("top", "worker").out.contains("sleep 1000"))
        try await lab.eventually("the worker has said something") {
            try await compose("logs", "--no-color", "--tail", "1", "worker").out.contains("worker_1  | working")
        }
        try await scaleAndRun(compose)
        try await halts(compose)
        try await compose("down", "-v", "--remove-orphans", "--rmi", "local", "-t", "0")
        #expect(try await lab.engine.containers.all.isEmpty)
        #expect(try await lab.docker("network", "ls", "-q", "-f", "label=com.docker.compose.project=shop").out == "")
        #expect(try await lab.docker("volume", "ls", "-q", "-f", "label=com.docker.compose.project=shop").out == "")
        try await lab.takeDown()
    }

    private func scaleAndRun(_ compose: StockCompose) async throws {
        try await compose("up", "-d", "--scale", "worker=3")
        #expect(try await compose("ps", "-q", "worker").out.split(separator: "\n").count == 3)
        try await compose("scale", "worker=1")
        let once = try await compose(
            "run", "--rm", "-T", "-e", "X=y", "worker", "sh", "-c", "echo $X $HOSTNAME; exit 3", expecting: 3)
        #expect(once.out.hasPrefix("y "))
        #expect(try await compose("run", "--rm", "job").out.contains("done"))
        let published = try await compose("run", "--rm", "-T", "--no-deps", "-p", "127.0.0.1::80", "web", "true")
        #expect(published.code == 0)
        try await compose("run", "-d", "--name", "apart", "worker", "sleep", "1000")
        #expect(try await compose("ps", "-a").out.contains("apart"))
    }

    private func halts(_ compose: StockCompose) async throws {
        func states(_ service: String) async throws -> String {
            try await compose.lab.docker("inspect", "shop_\(service)_1", "-f", "{{.State.Status}}").line
        }
        try await compose("pause", "worker")
        #expect(try await states("worker") == "paused")
        try await compose("unpause", "worker")
        try await compose("stop", "worker")
        #expect(try await states("worker") == "exited")
        try await compose("start", "worker")
        try await compose("restart", "worker")
        #expect(try await states("worker") == "running")
        try await compose("kill", "worker")
        // What runs is left by `rm`.
        try await compose.lab.eventually("the worker has ended") { try await states("worker") == "exited" }
        try await compose("rm", "-f", "worker")
        try await compose.lab.docker("inspect", "shop_worker_1", expecting: 1)
        try await compose("up", "--no-start")
        #expect(try await states("worker") == "created")
    }

    @Test("changes make containers anew, which keep their volumes and fixed addresses")
    func changes() async throws {
        let lab = try await EngineLab()
        let file = """
            version: "2.4"
            services:
              one:
                image: busybox
                command: sleep 1000
                environment: {A: "${A:-1}"}
                volumes: [/anonymous]
                networks: {net: {ipv4_address: 10.214.0.10}, other: {ipv4_address: 10.215.0.10}}
                stop_grace_period: 0s
            networks:
              net: {ipam: {config: [{subnet: 10.214.0.0/24, gateway: 10.214.0.1}], options: {foo: bar}}}
              other: {ipam: {config: [{subnet: 10.215.0.0/24}]}}
            """
        let compose = try StockCompose(lab, "change", ["docker-compose.yml": file])
        try await compose("up", "-d")
        let first = try await compose("ps", "-q").line
        try await compose("exec", "-T", "one", "touch", "/anonymous/kept")
        try await compose("up", "-d")
        #expect(try await compose("ps", "-q").line == first, "it is made anew although nothing changed")
        try await compose("up", "-d", environment: ["A=2"])
        let second = try await compose("ps", "-q").line
        #expect(second != first)
        let seen = try await compose("exec", "-T", "one", "sh", "-c", "echo $A; ls /anonymous; ip -4 addr")
        #expect(seen.out.hasPrefix("2\nkept\n") && seen.out.contains("10.214.0.10/24"), "\(seen.out)")
        #expect(seen.out.contains("10.215.0.10/24"))
        try await compose("up", "-d", "--force-recreate", "-V", environment: ["A=2"])
        #expect(try await compose("exec", "-T", "one", "ls", "/anonymous").out == "")
        try await compose("down", "-v")
        try await lab.docker("volume", "prune", "-af")
        try await lab.takeDown()
    }

    @Test("version 2 files: conditions, limits, shared namespaces that are restarted together, external objects")
    func secondVersion() async throws {
        let lab = try await EngineLab()
        let file = """
            version: "2.4"
            services:
              db:
                image: busybox
                command: ["sh", "-c", "sleep 0.5; touch /tmp/ok; exec sleep 1000"]
                healthcheck: {test: "test -f /tmp/ok", interval: 1s, retries: 300}
                init: true
                stop_grace_period: 0s
                mem_limit: 64m
                memswap_limit: 64m
                cpus: 0.5
                pids_limit: 50
                hostname: dbhost
                networks: [ext]
                volumes: ["outside:/ext", "small:/small"]
              copy:
                image: busybox
                command: cat
                stdin_open: true
                tty: true
                volumes_from: ["db:ro"]
                ipc: shareable
                pid: "service:db"
                depends_on: {db: {condition: service_healthy}}
                network_mode: none
                stop_grace_period: 0s
              share:
                image: busybox
                command: sleep 1000
                ipc: "service:copy"
                network_mode: "service:db"
                read_only: true
                user: "1000:1000"
                stop_grace_period: 0s
              fails: {image: busybox, command: "sh -c 'echo bad; exit 3'", network_mode: none}
            networks: {ext: {external: true, name: outer}}
            volumes:
              outside: {external: true}
              small: {driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}}
            """
        let compose = try StockCompose(lab, "second", ["docker-compose.yml": file])
        let missing = try await compose("up", "-d", expecting: 1)
        #expect(missing.error.contains("Network outer declared as external, but could not be found"))
        try await lab.docker("network", "create", "outer")
        try await lab.docker("volume", "create", "outside")
        try await compose("up", "-d")
        let seen = try await compose(
            "exec", "-T", "share", "sh", "-c", "id -u; hostname; touch /x 2>/dev/null || echo no")
        #expect(seen.out == "1000\ndbhost\nno\n")
        #expect(try await compose("exec", "-T", "copy", "ls", "-d", "/ext", "/small").out == "/ext\n/small\n")
        try await compose("restart", "db", "share")
        let foreground = try await compose("up", "--no-deps", "--no-recreate", "fails", expecting: 0)
        #expect(foreground.out.contains("| bad") && foreground.out.contains("exited with code 3"))
        let code = try await compose("up", "--exit-code-from", "fails", "db", "fails", expecting: 3)
        #expect((code.out + code.error).contains("Aborting on container exit"))
        try await compose("down", "-v", "-t", "0")
        try await lab.docker("volume", "rm", "outside")
        try await lab.docker("network", "rm", "outer")
        try await lab.docker("volume", "prune", "-af")
        try await lab.takeDown()
    }
}

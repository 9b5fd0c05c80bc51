import HTTP
import JSONText
import Linux
import Testing

@Suite("The daemon and its configuration, through the program", .serialized, .timeLimit(.minutes(15)))
struct DaemonProgramTests {
    @Test("what is wrong with a configuration is said before anything is begun")
    func validation() async throws {
        let lab = try ProgramLab()
        let file = lab.folder + "/daemon.json"
        try Files.write(file, Array(#"{"log-level": "debug", "bip": "10.0.0.1/24"}"#.utf8))
        let good = try await lab.stackctl("daemon", "--config-file", "daemon.json", "--validate")
        #expect(good.out == "configuration OK\n" && good.error.contains("`bip` changes nothing here"))
        let both = try await lab.stackctl(
            "daemon", "--config-file", file, "--log-level", "info", "--validate", expecting: 1)
        #expect(both.sentences.contains("specified both as a flag and in the configuration file"))
        try Files.write(file, Array(#"{"log-levle": "debug", "labels": 1}"#.utf8))
        let bad = try await lab.stackctl("daemon", "--config-file", file, "--validate", expecting: 1)
        #expect(
            bad.sentences.contains("did you mean `log-level`?") && bad.sentences.contains("`labels` must be a list"))
        let open = try await lab.stackctl("daemon", "-H", "tcp://192.0.2.1", "--validate", expecting: 1)
        #expect(open.sentences.contains("whoever reaches tcp://192.0.2.1:2375 would be root on this host"))
        try await lab.stackctl("daemon", "--config-file", "nowhere.json", "--validate", expecting: 1)
        try await lab.takeDown()
    }

    @Test("clients with a certificate of the authority are served over TCP, others are not")
    func mutualTLS() async throws {
        try await TLSCertificates.with { certificates in
            let lab = try ProgramLab()
            let file = lab.folder + "/daemon.json"
            let configuration = """
                {"hosts": ["tcp://127.0.0.1:2376"], "tlsverify": true, "tlscacert": "\(certificates.certificate("ca"))",
                 "tlscert": "\(certificates.certificate("server"))", "tlskey": "\(certificates.key("server"))"}
                """
            try Files.write(file, Array(configuration.utf8))
            let arguments = ["daemon", "--root", lab.root, "--config-file", file]
            let daemon = try Spawn.start(lab.request(lab.programs + "/stackctl", arguments))
            let stock = try #require(["/usr/local/bin/docker", "/usr/bin/docker"].first { Files.exists($0) })
            func version(_ program: String, as name: String) async throws -> ProgramLab.Answer {
                try await lab.run(
                    lab.request(
                        program,
                        [
                            "--tlsverify", "--tlscacert", certificates.certificate("ca"), "--tlscert",
                            certificates.certificate(name), "--tlskey", certificates.key(name), "-H",
                            "tcp://127.0.0.1:2376", "version", "--format", "{{.Server.Os}}",
                        ]))
            }
            try await lab.eventually("it answers") { try await version(stock, as: "alice").out == "linux\n" }
            let ours = try await version(lab.programs + "/stackctl", as: "alice")
            #expect(ours.out == "linux\n", "\(ours.text)")
            for program in [stock, lab.programs + "/stackctl"] {
                let refused = try await version(program, as: "stranger")
                #expect(refused.code != 0 && refused.out.filter { !$0.isWhitespace }.isEmpty, "\(refused.text)")
            }
            try daemon.send(15)
            #expect(try await daemon.exitStatus().code == 0)
            try await lab.takeDown()
        }
    }

    @Test("it serves where its configuration says, by ssh too; a hang-up takes over what is right and nothing else")
    func serving() async throws {
        let lab = try ProgramLab()
        let file = lab.folder + "/daemon.json"
        let socket = lab.root + "/run/stackctl.sock"
        func write(_ labels: String) throws {
            let hosts = #""hosts": ["unix://\#(socket)", "tcp://127.0.0.1:2375"], "metrics-addr": "127.0.0.1:9323""#
            try Files.write(file, Array("{\(hosts), \"labels\": \(labels)}".utf8))
        }
        try write(#"["a=b"]"#)
        let arguments = ["daemon", "--root", lab.root, "--config-file", file]
        let daemon = try Spawn.start(lab.request(lab.programs + "/stackctl", arguments))
        let wire = EngineWire(path: socket)
        func labels() async -> String? {
            guard let answer = try? await wire.call("GET", "/info") else { return nil }
            return (try? JSONValue.parse(answer.text))?["Labels"]?.serialized(.compact)
        }
        try await lab.eventually("it answers") { await labels() == #"["a=b"]"# }
        let client = try #require(["/usr/local/bin/docker", "/usr/bin/docker"].first { Files.exists($0) })
        let tcp = try await lab.run(lab.request(client, ["-H", "tcp://127.0.0.1:2375", "version"]))
        #expect(tcp.code == 0, "\(tcp.text)")
        let metrics = try await lab.run(lab.request("/usr/bin/curl", ["-sS", "http://127.0.0.1:9323/metrics"]))
        #expect(metrics.out.contains("engine_daemon_container_states_containers{state=\"running\"} 0\n"))
        #expect(metrics.out.contains("\nprocess_resident_memory_bytes "))

        try write(#"["c=d"]"#)
        try daemon.send(1)
        try await lab.eventually("the labels are taken over") { await labels() == #"["c=d"]"# }
        try write("7")
        try daemon.send(1)
        try write(#"["e=f"]"#)
        try daemon.send(1)
        try await lab.eventually("a wrong file stops nothing") { await labels() == #"["e=f"]"# }
        let events = try await wire.call("GET", "/events?since=1&until=\(Clock.now().seconds + 1)").text
        #expect(events.contains(#""Action":"reload""#) && events.contains(#"[\"c=d\"]"#), "\(events)")

        // What Docker's client runs for ssh:// is our program here.
        let bin = lab.folder + "/bin"
        try Files.makeDirectories(bin)
        let script = """
            #!/bin/sh
            while [ "$1" != docker ]; do shift; done
            shift
            exec \(lab.programs)/stackctl -H unix://\(socket) "$@"
            """
        try await ProgramFile.write(bin + "/ssh", script)
        let path = "PATH=\(bin):/usr/local/bin:/usr/bin:/bin"
        let far = try await lab.run(
            lab.request("/usr/bin/env", [path, "DOCKER_HOST=ssh://somebody@somewhere", client, "version"]))
        #expect(far.code == 0 && far.out.contains("Server:"), "\(far.text)")
        let dialled = try await lab.run(
            lab.request(lab.programs + "/stackctl", ["-H", "unix://\(socket)", "system", "dial-stdio"]),
            input: "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(dialled.out.hasSuffix("OK"), "\(dialled.text)")
        try daemon.send(15)
        #expect(try await daemon.exitStatus().code == 0)
        #expect(!Files.exists(socket))
        try await lab.takeDown()
    }

    @Test("sockets that the service manager opened are served, and stay its own")
    func activation() async throws {
        let lab = try ProgramLab()
        try Files.makeDirectories(lab.root + "/run")
        let listening = try BoundSocket.streams(at: .loopback, port: 0).shared()
        let port = try SocketListener(listening: try listening.duplicate()).localPort()
        var request = lab.request(
            "/bin/sh",
            [
                "-c",
                "export LISTEN_FDS=1 LISTEN_FDNAMES=api LISTEN_PID=$$; exec \(lab.programs)/stackctl daemon --root \(lab.root)",
            ])
        request.descriptors = [3: listening.raw]
        let daemon = try Spawn.start(request)
        let client = HTTPClient(common: ["Host": "x"]) { try await AsyncSocket.connect(to: .loopback, port: port) }
        // The connection waits in the socket until the daemon takes it.
        let answer = try await withTimeout(.seconds(120)) { try await client.send("GET", "/_ping").collect() }
        #expect(String(decoding: answer, as: UTF8.self) == "OK")
        #expect(!Files.exists(lab.root + "/run/stackctl.sock"), "it opened one of its own")
        try daemon.send(15)
        #expect(try await daemon.exitStatus().code == 0)
        try await lab.takeDown()
    }
}

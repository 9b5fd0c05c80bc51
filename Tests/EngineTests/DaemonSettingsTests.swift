import Diagnostics
import Engine
import EngineAPI
import JSONText
import Synchronization
import Testing

@Suite("The daemon's settings")
struct DaemonSettingsTests {
    private func read(_ text: String) throws(DiagnosticList) -> DaemonSettings {
        try DaemonSettings(json: Array(text.utf8), path: "daemon.json")
    }

    @Test("every kind of key is read")
    func keys() throws {
        let settings = try read(
            #"""
            {"data-root": "/d", "hosts": ["unix:///s", "tcp://127.0.0.1:1", "fd://"], "group": "g", "labels": ["a=b"],
             "debug": true, "log-level": "error", "log-format": "json", "metrics-addr": "127.0.0.1:9323",
             "shutdown-timeout": 3, "live-restore": false, "default-shm-size": "32m",
             "log-opts": {"max-size": "1m"}, "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1, "Hard": 2}},
             "registry-mirrors": ["https://m"], "insecure-registries": ["r:5000"], "bip": "10.0.0.1/24", "icc": false}
            """#)
        #expect(settings.dataRoot == "/d" && settings.hosts.count == 3 && settings.group == "g")
        #expect(settings.logLevel == .debug && settings.logFormat == .json && settings.shutdownSeconds == 3)
        #expect(!settings.keepsContainers && settings.defaults.sharedMemoryBytes == 32 << 20)
        #expect(settings.defaults.ulimits == [ContainerDefaults.Ulimit(name: "nofile", soft: 1, hard: 2)])
        #expect(settings.idleKeys == ["bip"], "what asks for nothing is not warned of")
    }

    @Test(
        "what is wrong is named, with what is expected",
        arguments: [
            ("{", "is not JSON"), ("[]", "must be an object, not a list"),
            (#"{"log-levle": "info"}"#, "unknown key `log-levle`"),
            (#"{"labels": "a=b"}"#, "must be a list of strings"),
            (#"{"labels": ["a"]}"#, "must be a list of KEY=VALUE"), (#"{"tls": "yes"}"#, "must be true or false"),
            (#"{"shutdown-timeout": -1}"#, "must be from 0 to 86400"),
            (#"{"data-root": "d"}"#, "must be an absolute path"),
            (#"{"hosts": ["http://x"]}"#, "no place to serve"),
            (#"{"hosts": ["tcp://127.0.0.1:x"]}"#, "no place to serve"),
            (#"{"hosts": ["tcp://0.0.0.0"]}"#, "would be root on this host"),
            (#"{"tlsverify": true, "tlscert": "/c", "tlskey": "/k"}"#, "needs `tlscacert`"),
            (#"{"tls": true}"#, "TLS needs `tlscert` and `tlskey`"),
            (#"{"log-driver": "syslog"}"#, "json-file or local"),
            (#"{"default-shm-size": "lots"}"#, "must be a size"),
        ])
    func refused(_ text: String, _ message: String) {
        do {
            _ = try read(text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.diagnostics.contains { $0.summary.contains(message) || $0.detail?.contains(message) == true })
        }
    }

    @Test("the nearest key is proposed; a key in the file and as a flag is a conflict")
    func hints() throws {
        let problem = #expect(throws: DiagnosticList.self) { try read(#"{"registry-miror": []}"#) }
        #expect(problem?.diagnostics.first?.hint == "did you mean `registry-mirrors`?")
        var flags = DaemonSettings()
        try flags.take("labels", ["x=y"], from: "--label")
        let file = try read(#"{"labels": ["a=b"], "group": "g"}"#)
        #expect(file.conflicts(with: flags) == ["labels"])
        #expect(try read(#"{"group": "g"}"#).adding(flags).labels == ["x=y"])
        #expect(try read(#"{"group": "h", "labels": []}"#).keysForRestart(from: file) == ["group"])
    }

    @Test("places to serve on are read as Docker writes them")
    func hosts() throws {
        for (text, isSecure, written) in [
            ("tcp://", false, "tcp://0.0.0.0:2375"), ("tcp://127.0.0.1", true, "tcp://127.0.0.1:2376"),
            ("tcp://[::1]:77", false, "tcp://[::1]:77"), ("tcp://localhost:5", false, "tcp://127.0.0.1:5"),
            ("unix:///run/x.sock", false, "unix:///run/x.sock"), ("fd://api", false, "fd://api"),
        ] {
            #expect(try DaemonHost(text, isSecure: isSecure).description == written)
        }
    }

    @Test("containers get the daemon's defaults where they do not say")
    func defaults() throws {
        let settings = try read(
            #"""
            {"default-shm-size": 1000, "log-opts": {"max-size": "1m"}, "dns": ["9.9.9.9"], "init": true,
             "default-ulimits": {"core": {"Name": "core", "Soft": 0, "Hard": 0}}}
            """#)
        let empty = settings.defaults.filled(["Image": "x"])
        #expect(empty["HostConfig"]?["ShmSize"] == 1000 && empty["HostConfig"]?["Dns"] == ["9.9.9.9"])
        #expect(empty["HostConfig"]?["LogConfig"]?["Config"]?["max-size"] == "1m")
        #expect(empty["HostConfig"]?["Init"] == true && empty["HostConfig"]?["Ulimits"]?.arrayValue?.count == 1)
        let given = settings.defaults.filled([
            "HostConfig": [
                "ShmSize": 5, "Dns": ["1.1.1.1"], "Init": false, "LogConfig": ["Type": "none", "Config": [:]],
                "Ulimits": [["Name": "core", "Soft": 1, "Hard": 1]],
            ]
        ])
        #expect(given["HostConfig"]?["ShmSize"] == 5 && given["HostConfig"]?["Dns"] == ["1.1.1.1"])
        #expect(given["HostConfig"]?["Init"] == false && given["HostConfig"]?["LogConfig"]?["Type"] == "none")
        #expect(given["HostConfig"]?["Ulimits"]?.arrayValue?.count == 1)
        #expect(settings.defaults.filled(.null) == .null && settings.defaults.filled([1]) == [1])
    }

    @Test("the log is one line each, in both formats, from its level on")
    func log() {
        let lines = Lines()
        let log = DaemonLog(level: .info, format: .text) { lines.add($0) }
        log.write(.debug, "not written")
        log.write(.warn, "two\nlines", [("name", "a b"), ("n", "1")])
        log.configure(level: .debug, format: .json)
        log.write(.debug, "written", [("x", "\"")])
        let written = lines.all
        #expect(written.count == 2)
        #expect(written.first?.hasSuffix(#" warn two lines name="a b" n=1"#) == true, "\(written)")
        #expect(written.last?.hasSuffix(#""level":"debug","msg":"written","x":"\""}"#) == true, "\(written)")
    }
}

/// Lines of a log.
private final class Lines: Sendable {
    private let state = Mutex<[String]>([])

    func add(_ line: String) { state.withLock { $0.append(line) } }

    var all: [String] { state.withLock { $0 } }
}

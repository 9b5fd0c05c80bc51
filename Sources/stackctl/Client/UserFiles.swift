import JSONText
import Linux
import Registry
import Synchronization

/// The files of the calling user.
enum UserFiles {
    private static let chosen = Mutex<String?>(nil)

    /// Takes the folder of `--config`.
    static func setDockerFolder(_ path: String) { chosen.withLock { $0 = path } }

    /// Docker's `config.json` of the user, with credentials; nil without a home.
    static var dockerConfigFile: String? {
        chosen.withLock { $0 }.map { "\($0)/config.json" } ?? DockerConfigFile.defaultPath
    }

    /// What Docker's `config.json` of the user says; empty where there is none, or it cannot be read.
    static var dockerSettings: JSONValue {
        guard let path = dockerConfigFile, let text = try? Files.readText(path, limit: 4 << 20) else { return [:] }
        return (try? JSONValue.parse(text)) ?? [:]
    }

    /// The format of a list that the user prefers, such as `psFormat`; nil for none.
    static func format(_ key: String) -> String? {
        dockerSettings[key]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Variables for new containers, from the `proxies` of `config.json` for a daemon, else its default.
    ///
    /// - Parameter known: names of variables that are set already.
    static func proxyVariables(for daemon: String, known: Set<String>) -> [String] {
        let proxies = dockerSettings["proxies"]
        guard let proxy = proxies?[daemon] ?? proxies?["default"] else { return [] }
        let names = [
            ("httpProxy", "HTTP_PROXY"), ("httpsProxy", "HTTPS_PROXY"), ("ftpProxy", "FTP_PROXY"),
            ("noProxy", "NO_PROXY"), ("allProxy", "ALL_PROXY"),
        ]
        return names.flatMap { key, name -> [String] in
            guard let value = proxy[key]?.stringValue, !value.isEmpty else { return [] }
            return [name, name.lowercased()].filter { !known.contains($0) }.map { "\($0)=\(value)" }
        }
    }
}

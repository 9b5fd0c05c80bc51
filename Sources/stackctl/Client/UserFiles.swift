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
}

import Linux
import StateStore

/// A folder of its own for one test; it goes with the value.
final class Scratch: Sendable {
    let folder: String
    var path: String { folder + "/state.db" }

    init() throws {
        folder = "/tmp/stackctl-state-\(try Random.hex(bytes: 8))"
        try Files.makeDirectories(folder)
    }

    deinit { try? Files.removeTree(folder) }

    func open() throws -> StateDatabase { try StateDatabase(path: path) }
}

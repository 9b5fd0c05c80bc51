import Linux
import StateStore

/// Which image each build of a stack gave: several builds may come to the same one.
struct ImageObjects: Sendable {
    let database: StateDatabase

    private static let prefix = "image-object."

    /// The image's id, once the build is done.
    func image(of object: String) async throws -> String? {
        let database = self.database
        return try await BlockingExecutor.shared.run {
            try database.read { try $0.value(forKey: Self.prefix + object) }
        }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Records what a build gave.
    func set(_ image: String, of object: String) async throws {
        let database = self.database
        try await BlockingExecutor.shared.run {
            try database.write { try $0.setValue(image, forKey: Self.prefix + object) }
        }
    }

    /// Forgets a build.
    func remove(_ object: String) async throws {
        let database = self.database
        try await BlockingExecutor.shared.run {
            try database.write { try $0.setValue(nil, forKey: Self.prefix + object) }
        }
    }

    /// Whether any build still stands for the image.
    func isHeld(_ image: String) async throws -> Bool {
        let database = self.database
        return try await BlockingExecutor.shared.run {
            try database.read { transaction in
                try !transaction.query(
                    "SELECT 1 FROM kv WHERE key GLOB 'image-object.*' AND value = ?1 LIMIT 1", [.text(image)]
                ) { _ in true }.isEmpty
            }
        }
    }
}

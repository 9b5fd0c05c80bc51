import Linux
import StateStore

/// Which image each build of a stack gave: several builds may come to the same one.
struct ImageObjects: Sendable {
    let database: StateDatabase

    private static let prefix = "image-object."
    /// Of builds whose image is being removed: they stand for it no longer.
    private static let leavingPrefix = "image-object-leaving."

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

    /// Lets a build stand for its image no longer, and gives the image's id.
    ///
    /// It is given again until `forget`: a removal that was cut short is gone on with.
    func letGo(_ object: String) async throws -> String? {
        let database = self.database
        return try await BlockingExecutor.shared.run {
            try database.write { transaction in
                if let leaving = try transaction.value(forKey: Self.leavingPrefix + object) { return leaving }
                guard let image = try transaction.value(forKey: Self.prefix + object) else { return nil }
                try transaction.setValue(nil, forKey: Self.prefix + object)
                try transaction.setValue(image, forKey: Self.leavingPrefix + object)
                return image
            }
        }
    }

    /// Forgets a build that was let go.
    func forget(_ object: String) async throws {
        let database = self.database
        try await BlockingExecutor.shared.run {
            try database.write { try $0.setValue(nil, forKey: Self.leavingPrefix + object) }
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

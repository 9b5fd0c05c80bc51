import Linux
import StateStore

/// Which image each build of a stack gave: several builds may come to the same one.
struct ImageObjects: Sendable {
    let database: StateDatabase

    private static let prefix = "image-object."
    /// Of builds whose image is being removed: they stand for it no longer.
    private static let leavingPrefix = "image-object-leaving."

    /// Of builds that have begun: the id of the image that had the name before.
    private static let buildingPrefix = "image-object-building."

    /// Records that a build has begun whose name is that of `before` as yet; `nil` where it is nobody's.
    func begin(_ object: String, before: String?) async throws {
        let database = self.database
        try await BlockingExecutor.shared.run {
            try database.write { try $0.setValue(before ?? "", forKey: Self.buildingPrefix + object) }
        }
    }

    /// Whose name a build that was cut short had found: `""` is nobody's, `nil` says that no build was cut short.
    func begun(_ object: String) async throws -> String? {
        let database = self.database
        return try await BlockingExecutor.shared.run {
            try database.read { try $0.value(forKey: Self.buildingPrefix + object) }
        }
    }

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
            try database.write { transaction in
                try transaction.setValue(image, forKey: Self.prefix + object)
                try transaction.setValue(nil, forKey: Self.buildingPrefix + object)
            }
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

    /// Forgets a build that was let go or cut short.
    func forget(_ object: String) async throws {
        let database = self.database
        try await BlockingExecutor.shared.run {
            try database.write { transaction in
                try transaction.setValue(nil, forKey: Self.leavingPrefix + object)
                try transaction.setValue(nil, forKey: Self.buildingPrefix + object)
            }
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

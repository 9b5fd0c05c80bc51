import Diagnostics
import Linux
import OCI
import StateStore

extension ImageStore {
    /// Reads every blob and every layer again and compares them with what the database says.
    ///
    /// - Returns: one diagnostic for each object that is damaged, missing or unknown, naming it and the images that need
    ///   it.
    package func verify() async throws -> [Diagnostic] {
        try await check().map(\.diagnostic)
    }

    /// Finds what `verify` tells of.
    package func check() async throws -> [StoreDamage] {
        let (check, turn, database) = (StoreCheck(blobs: blobs, layers: layers), turn, database)
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("verifying the store") {
                let (rows, strays) = try turn.run {
                    let rows = try database.read { tables in try StoreCheck.Rows(tables) }
                    return (rows, try check.strays(rows))
                }
                return check.run(rows, strays: strays)
            }
        }
    }
}
